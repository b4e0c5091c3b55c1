"""The pod simulator: an HTTP server that answers in place of pods whose containers do not run in a rehearsal."""
