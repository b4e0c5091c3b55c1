#!/bin/sh
# Brings IMAGE into the idle slot of SERVICE in an environment, tries it, switches, watches, goes back if it does worse.
# Killed anywhere, the live slot serves, and the next run goes on.
set -eu
exec python3 -m release deploy "$1" "$SERVICE" --image "$IMAGE" --wait 900
