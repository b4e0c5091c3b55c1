"""The program without an engine: what it registers, for tests, pictures and prices."""
