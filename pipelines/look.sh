#!/bin/sh
# Shows the status or the history (the argument) of SERVICE in ENVIRONMENT. A status that is not good is shown, too.
set -eu
python3 -m release "$1" "$ENVIRONMENT" "$SERVICE" || [ "$1" = status ]
