"""The preview report, for a comment on a pull request: `pulumi preview --json | python -m pipelines.preview_report`."""
