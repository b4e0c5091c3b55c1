#!/bin/sh
# Prints the candidates for prod of all SERVICES, SERVICE=IMAGE a line: of each the most recently verified image.
set -eu
. "${0%/*}/services.sh"
for service; do
  image=$(python3 -m pipelines.candidate "$REGISTRY/$service" "$service")
  echo "$service=$image"
done
