"""Providers that stand in for AWS and Kubernetes plugins: real protocol, this machine's resources."""
