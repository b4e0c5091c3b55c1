"""The EKS cluster, its node groups, and what every pod needs of it."""
