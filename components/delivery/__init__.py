"""Who brings images in, and Jenkins, which does it."""
