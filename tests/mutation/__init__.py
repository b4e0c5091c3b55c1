"""Small mistakes made on purpose, to see which of them the unit tests notice."""
