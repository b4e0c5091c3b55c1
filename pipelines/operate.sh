#!/bin/sh
# Runs COMMAND (rollback, switch or retire) for SERVICE in ENVIRONMENT.
set -eu
case $COMMAND in
  rollback | switch) exec python3 -m release "$COMMAND" "$ENVIRONMENT" "$SERVICE" --wait 900 ;;
  retire) exec python3 -m release retire "$ENVIRONMENT" "$SERVICE" --wait 900 --yes ;;
  *) echo "error: COMMAND $COMMAND: rollback, switch or retire" >&2; exit 2 ;;
esac
