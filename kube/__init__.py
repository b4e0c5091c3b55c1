"""The typed Kubernetes client that the release tool and the rehearsal share."""
