"""Jenkins, wholly as code: its chart, its configuration and jobs, its agents, and what builds images for it."""
