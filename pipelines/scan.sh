#!/bin/sh
# Fails if ECR's scan of IMAGE has findings that SCAN_RULES do not let pass, even if an earlier build pushed the image.
set -eu
exec python3 -m pipelines.scan "$SERVICE=$IMAGE"
