#!/bin/sh
# Sets the status of the checked out commit (pending, success or failure, the argument) at its Git host, if STATUS_TOKEN is set.
set -eu
[ -n "${STATUS_TOKEN:-}" ] || exit 0
exec python3 -m pipelines.commit_status "$SOURCE" "$(git rev-parse HEAD)" "$1"
