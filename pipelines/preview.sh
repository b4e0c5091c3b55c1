#!/bin/sh
# Shows what `pulumi up` would change in STACK, with the checkout's program. It changes nothing.
set -eu
exec pulumi preview --stack "$STACK" --non-interactive --diff
