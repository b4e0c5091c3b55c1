"""One component class a file, named by its noun. None reads configuration; `__main__.py` passes outputs on."""
