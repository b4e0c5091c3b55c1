"""The EKS cluster: control plane, node groups, add-ons, autoscaler, IAM roles of pods, storage."""
