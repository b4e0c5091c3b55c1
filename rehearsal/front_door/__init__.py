"""The front door: a packaged HAProxy that does what the load balancer on AWS would, as the cluster's objects say."""
