"""`python -m release`."""

from release.cli import app

app()
