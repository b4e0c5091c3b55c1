"""Jenkins as code: its chart, configuration, jobs and agents, and BuildKit, which builds the images."""
