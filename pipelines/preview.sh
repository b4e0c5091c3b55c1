#!/bin/sh
# Shows what `pulumi up` would change in STACK, with the checkout's program. It changes nothing, and fails where the
# cluster is not reached: a preview without it would show what is not so.
set -eu
unset PYTHONPATH # the agent's own packages have the names of the checkout's
python3 -m venv .venv
.venv/bin/pip install --quiet --requirement requirements.txt --requirement requirements-release.txt
outputs=$(mktemp)
trap 'rm -f "$outputs"' EXIT
pulumi stack output --stack "$STACK" --json --show-secrets > "$outputs"
.venv/bin/python -m pipelines.preview_report.cluster < "$outputs"
pulumi preview --stack "$STACK" --non-interactive --diff --suppress-outputs
