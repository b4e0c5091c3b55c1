#!/bin/sh
# Verifies IMAGE, provided that it is still live on dev, after the command in VERIFY_CHECK, if there is one: prod takes only
# verified images. Without IMAGE, whatever is live.
set -eu
exec python3 -m release verify dev "$SERVICE" ${IMAGE:+--image "$IMAGE"} ${VERIFY_CHECK:+--check "$VERIFY_CHECK"}
