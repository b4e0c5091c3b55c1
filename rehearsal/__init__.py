"""The platform on one machine: the real engine and control plane, stand-in providers, no AWS account."""
