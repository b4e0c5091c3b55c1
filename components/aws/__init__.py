"""AWS resources: VPC, KMS keys, IAM roles, ECR repositories, S3 buckets, log groups."""
