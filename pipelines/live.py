"""Prints what is live, `SERVICE=REPOSITORY@sha256:…` a line: the output of `python -m release status ENV --json`.

`python -m release status ENV --json | python -m pipelines.live`
"""

from __future__ import annotations

import json
import sys
from typing import Any


def live_images(status: list[dict[str, Any]]) -> list[str]:
    """`SERVICE=REPOSITORY@sha256:…` of each service that was released, in order."""
    images = {one["service"]: one["slots"][one["live"]]["image"] for one in status if one.get("slots")}
    return [f"{service}={image}" for service, image in sorted(images.items()) if image]


def main() -> int:
    """Reads the status on standard input."""
    sys.stdout.writelines(f"{image}\n" for image in live_images(json.load(sys.stdin)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
