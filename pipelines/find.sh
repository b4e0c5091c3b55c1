#!/bin/sh
# Prints the image of the checked out commit, if ECR has one: each commit is built once.
set -eu
. "${0%/*}/image.sh"
exec python3 -m pipelines.ecr find "$repository" "$tag"
