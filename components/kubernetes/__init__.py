"""Kubernetes building blocks: namespaces, network policies, scheduling, quotas, admission policies, charts."""
