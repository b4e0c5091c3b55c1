"""The provider that stands in for AWS: an account in a file, with AWS's ids, rules and refusals."""
