"""The AWS account's own resources: VPC, keys, roles, repositories, buckets, log groups."""
