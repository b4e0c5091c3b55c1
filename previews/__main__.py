"""`python -m previews STACK`: events on standard input, Markdown on standard output; 1 where the preview failed."""

from __future__ import annotations

import sys

from previews.events import read
from previews.markdown import render

preview = read(sys.stdin)
sys.stdout.write(render(preview, sys.argv[1]))
sys.exit(preview.failed)
