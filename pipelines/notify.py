"""Posts the result of a build to a webhook: `python -m pipelines.notify URL`. Without an answer the build goes on."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Mapping

TIMEOUT_SECONDS = 10

FIELDS = {"service": "SERVICE", "image": "IMAGE", "result": "RESULT", "build": "BUILD_URL", "approver": "APPROVER"}
"""Fields of the message, and the environment variables with their values."""


def message(environment: Mapping[str, str]) -> bytes:
    """The message, a JSON object; a variable that is not set or empty becomes null."""
    return json.dumps({name: environment.get(variable) or None for name, variable in FIELDS.items()}).encode()


def main(url: str, environment: Mapping[str, str] = os.environ) -> int:
    """Posts the message; the exit code is 1 only if the URL is not https."""
    if not url.startswith("https://"):
        sys.stderr.write(f"error: NOTIFY_URL {url}: must begin with https://\n")
        return 1
    request = urllib.request.Request(  # noqa: S310 - https only, see above
        url, data=message(environment), headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310 - likewise
            return 0
    except OSError as error:
        sys.stderr.write(f"NOTIFY_URL did not accept the message: {error}\n")
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
