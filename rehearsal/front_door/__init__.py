"""The front door: HAProxy in place of AWS's load balancers, configured from what ELBv2 and EC2 describe."""
