#!/bin/sh
# Posts the result of a build (the argument) to NOTIFY_SLACK, NOTIFY_TEAMS and NOTIFY_WEBHOOK, as far as they are set.
set -eu
export RESULT="$1"
exec python3 -m pipelines.notify
