#!/bin/sh
# Deploys IMAGE to SERVICE in an environment (the argument); a version that fails is taken back.
# If it is killed, the live slot goes on serving, and the next run resumes the release.
set -eu
exec python3 -m release deploy "$1" "$SERVICE" --image "$IMAGE" --wait 900
