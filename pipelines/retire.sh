#!/bin/sh
# Takes the idle slot's pods away in an environment. What is warm, or locked by a release, stays: exit codes 3 and 4.
set -eu
python3 -m release retire "$1" "$SERVICE" || case $? in 3 | 4) ;; *) exit 1 ;; esac
