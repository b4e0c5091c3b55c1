"""Where a team keeps its stacks' state and the key of their secrets, on AWS: `python -m tools.state_backend`."""
