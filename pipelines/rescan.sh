#!/bin/sh
# Judges the images in LIVE anew, SERVICE=IMAGE separated by white space, by what is known today.
set -eu
exec python3 -m pipelines.scan --again $LIVE
