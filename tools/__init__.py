"""Tools beside the platform: the state backend, benchmarks."""
