#!/bin/sh
# Fails if ECR's scan of IMAGE has critical findings, even if an earlier build pushed the image.
set -eu
exec python3 -m pipelines.ecr scan "$IMAGE"
