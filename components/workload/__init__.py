"""An environment and its services, each with its blue and green slots."""
