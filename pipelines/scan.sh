#!/bin/sh
# Fails on a critical finding of ECR's scan, also of an image that was pushed by an earlier build.
set -eu
exec python3 -m pipelines.ecr scan "$IMAGE"
