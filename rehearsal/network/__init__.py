"""The rehearsal's own network, and the way into it."""
