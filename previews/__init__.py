"""A preview as Markdown, for a comment on a pull request: `pulumi preview --json | python -m previews`."""
