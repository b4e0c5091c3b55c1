"""A team's Pulumi state backend on AWS, an S3 bucket and a KMS key: `python -m tools.state_backend`."""
