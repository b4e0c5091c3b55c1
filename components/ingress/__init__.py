"""Ingress: load balancers and their controller, certificate, host names, DNS records."""
