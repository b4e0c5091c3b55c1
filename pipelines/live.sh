#!/bin/sh
# Prints the images that are live in environments (the arguments), SERVICE=IMAGE a line.
set -eu
for environment; do
  python3 -m release status "$environment" --json | python3 -m pipelines.live
done
