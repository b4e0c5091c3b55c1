"""Checks of an AWS account before the first `pulumi up` of a stack: `python -m tools.preflight`. It changes nothing."""
