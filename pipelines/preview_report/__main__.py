"""`python -m pipelines.preview_report STACK`: events in, Markdown out; exits with 1 if the preview failed."""

from __future__ import annotations

import sys

from pipelines.preview_report.events import read
from pipelines.preview_report.markdown import render

preview = read(sys.stdin)
sys.stdout.write(render(preview, sys.argv[1]))
sys.exit(preview.failed)
