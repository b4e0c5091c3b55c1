#!/bin/sh
# Signs IMAGE with the KMS key in SIGNING_KEY, unless it is signed.
set -eu
exec python3 -m pipelines.sign "$IMAGE"
