"""Mutation testing: small deliberate mistakes, and which of them the unit tests detect."""
