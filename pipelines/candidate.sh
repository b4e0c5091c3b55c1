#!/bin/sh
# Prints the candidate for prod: the most recently verified image.
set -eu
exec python3 -m pipelines.candidate "$REGISTRY/$SERVICE" "$SERVICE"
