module hello-platform/rehearsal/aws-load-balancer-controller

go 1.26.2

// 3.3.0: its own path has no /v3, so that Go knows the tag by its commit only.
require sigs.k8s.io/aws-load-balancer-controller v0.0.0-20260505182222-46816a2070db
