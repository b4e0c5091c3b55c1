#!/bin/sh
# Runs the unit tests: the stage `test` of the service's Dockerfile. Before it, takes the reports (JUnit's XML) out of the
# stage `reports`, if there is one, to a folder beside the checkout, which is what the image is built of.
set -eu
. "${0%/*}/image.sh"
if grep -qiE '^FROM .* AS reports[[:space:]]*$' "$dockerfile"; then
  build --opt target=reports --output type=local,dest="$WORKSPACE_TMP/reports"
fi
build --opt target=test
