"""How requests from outside reach a Service: load balancers, certificates, host names."""
