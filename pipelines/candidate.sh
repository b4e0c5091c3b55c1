#!/bin/sh
# Prints the image that was verified last: what prod would get.
set -eu
exec python3 -m pipelines.candidate "$REGISTRY/$SERVICE" "$SERVICE"
