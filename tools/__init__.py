"""Programs beside the platform: the state backend, benchmarks."""
