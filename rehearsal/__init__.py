"""The platform on one machine: the real Pulumi engine and Kubernetes control plane, emulated AWS, no AWS account."""
