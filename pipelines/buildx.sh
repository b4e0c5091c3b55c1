#!/bin/sh
# Tests and pushes the image by docker's buildx, for CI with a docker daemon of its own, and prints it by digest.
set -eu
. "${0%/*}/image.sh"
DOCKER_CONFIG=$(mktemp -d)
export DOCKER_CONFIG
metadata=$(mktemp)
trap 'rm -rf "$DOCKER_CONFIG" "$metadata"' EXIT
python3 -m pipelines.ecr login "$repository"
docker buildx build --file "$dockerfile" --target test "${CONTEXT:-.}" >&2
if docker buildx build --file "$dockerfile" --push --tag "$repository:$tag" --provenance=false \
  --metadata-file "$metadata" --label org.opencontainers.image.revision="$commit" "${CONTEXT:-.}" >&2; then
  printed "$metadata"
else
  pushed_meanwhile
fi
