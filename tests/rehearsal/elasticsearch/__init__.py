"""Elasticsearch's cluster API at the addresses of its simulated pods, for the real operator.

`cluster.py` is the model: nodes, votes, shards, shutdowns. `api.py` answers the operator's requests. `__main__.py`
serves them in a rehearsal's network, and prints what happens to nodes and shards.
"""
