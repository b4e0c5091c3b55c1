"""How fast the platform's preview and update are, beside the least that Pulumi can do with as many resources."""
