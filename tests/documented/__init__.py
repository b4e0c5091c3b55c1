"""The commands of the README and the documents, and what runs each: a test, or who has an AWS account."""
