#!/bin/sh
# Builds the image, and keeps its layers for the next build; the image itself stays in buildkitd until it was tested.
set -eu
. "${0%/*}/image.sh"
build --export-cache type=registry,ref="$CACHE:$SERVICE",mode=max,image-manifest=true,oci-mediatypes=true
