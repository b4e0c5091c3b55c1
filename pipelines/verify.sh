#!/bin/sh
# Records that what is live on dev was tried: prod takes nothing else.
set -eu
exec python3 -m release verify dev "$SERVICE"
