#!/bin/sh
# Deploys the images in IMAGE, SERVICE=IMAGE separated by white space, to an environment (the argument), each after those
# that it calls. If it is killed, the next run resumes the releases.
set -eu
environment=$1
shift
for image in $IMAGE; do set -- "$@" "${image%%=*}" --image "$image"; done
exec python3 -m release deploy "$environment" "$@" --wait 900
