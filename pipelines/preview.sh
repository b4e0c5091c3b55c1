#!/bin/sh
# Previews STACK with the checkout's program. It fails if the cluster is not reachable: the preview would be wrong.
set -eu
unset PYTHONPATH # the agent's packages have the same names as the checkout's
python3 -m venv .venv
.venv/bin/pip install --quiet --requirement requirements.txt
outputs=$(mktemp)
trap 'rm -f "$outputs"' EXIT
pulumi stack output --stack "$STACK" --json --show-secrets > "$outputs"
.venv/bin/python -m pipelines.preview_report.cluster < "$outputs"
pulumi preview --stack "$STACK" --non-interactive --diff --suppress-outputs
