"""See `tools.program.graph`."""

from tools.program.graph import UNKNOWN, Graph, Reference, Registration, Secret, every, of_logs

__all__ = ["UNKNOWN", "Graph", "Reference", "Registration", "Secret", "every", "of_logs"]
