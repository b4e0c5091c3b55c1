"""An environment, and its services with their blue and green slots."""
