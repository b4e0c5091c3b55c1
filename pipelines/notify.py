"""Tells a URL how a build ended. A hook that does not answer fails no build. `python -m pipelines.notify URL`."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Mapping

TIMEOUT_SECONDS = 10

TOLD = {"service": "SERVICE", "image": "IMAGE", "result": "RESULT", "build": "BUILD_URL"}
"""What is told, and the environment variable that has it."""


def message(environment: Mapping[str, str]) -> bytes:
    """The JSON object that is posted; what a build does not have is null."""
    return json.dumps({name: environment.get(variable) or None for name, variable in TOLD.items()}).encode()


def main(url: str, environment: Mapping[str, str] = os.environ) -> int:
    """Posts it."""
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
        sys.stderr.write(f"NOTIFY_URL did not take the message: {error}\n")
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
