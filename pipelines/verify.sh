#!/bin/sh
# Verifies IMAGE, provided that it is still live on dev: prod takes only verified images.
set -eu
exec python3 -m release verify dev "$SERVICE" --image "$IMAGE"
