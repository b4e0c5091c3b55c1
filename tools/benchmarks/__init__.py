"""Benchmarks of previews, updates, releases and traffic."""
