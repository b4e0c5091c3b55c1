"""Building blocks of Kubernetes objects that the other packages share."""
