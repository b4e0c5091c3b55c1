"""Emulators of the providers `aws` and `eks`: Pulumi's plugin protocol over resources on this machine."""
