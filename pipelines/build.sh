#!/bin/sh
# Builds the image in buildkitd, and pushes its layers to the build cache; the image itself is pushed after its tests.
set -eu
. "${0%/*}/image.sh"
build --export-cache type=registry,ref="$CACHE:${CACHE_TAG:-$SERVICE}",mode=max,image-manifest=true,oci-mediatypes=true
