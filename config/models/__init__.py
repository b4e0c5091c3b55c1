"""The models of the configuration: every key with its type, its default and what it means; one file per subject."""
