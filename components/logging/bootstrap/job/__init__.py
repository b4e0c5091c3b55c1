"""Sets Elasticsearch and Kibana up for the logs, by the standard library alone: `python -m logs_setup FILE` in a pod.

Each run asks for everything there is to be, and what is there already stays: it can be run at any time, twice at once.
`elasticsearch` and `kibana` say what is asked for, `client` how, `__main__` in which order.
"""

from __future__ import annotations

from pathlib import Path


def files() -> dict[str, str]:
    """The modules of this package by file name: the program puts them into a ConfigMap."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py"))}
