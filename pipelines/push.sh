#!/bin/sh
# Pushes the image with its commit as tag, from the layers that were built and tested, and prints it by digest. With
# PROVENANCE or SBOM_GENERATOR it is an index of the image and its attestations.
set -eu
. "${0%/*}/image.sh"
metadata=$(mktemp)
[ -z "${SBOM_GENERATOR:-}" ] || set -- "$@" --opt attest:sbom=generator="$SBOM_GENERATOR"
[ -z "${PROVENANCE:-}" ] || set -- "$@" --opt attest:provenance=mode=min
if build "$@" --metadata-file "$metadata" --output type=image,name="$repository:$tag",push=true >&2; then
  printed "$metadata"
else
  pushed_meanwhile
fi
rm -f "$metadata"
