"""The pipelines: Jenkinsfiles, and beside them the command of each stage, which runs anywhere."""
