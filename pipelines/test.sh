#!/bin/sh
# Runs the unit tests: the stage `test` of the service's Dockerfile.
set -eu
. "${0%/*}/image.sh"
build --opt target=test
