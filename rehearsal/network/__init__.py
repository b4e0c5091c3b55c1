"""The network namespace of a rehearsal, and access to it from this machine."""
