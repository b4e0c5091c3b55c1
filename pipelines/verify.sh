#!/bin/sh
# Verifies the image that is live on dev: prod takes only verified images.
set -eu
exec python3 -m release verify dev "$SERVICE"
