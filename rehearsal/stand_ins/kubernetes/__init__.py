"""The stand-in for the Pulumi kubernetes provider: a real API server behind it, the real provider's behaviour.

What it does was read from, and is tested against, https://github.com/pulumi/pulumi-kubernetes at 4.29 in its default
mode (server-side apply). Not in it: Helm charts and releases, Kustomize, patch resources, client-side apply.
"""
