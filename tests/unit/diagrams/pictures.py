"""What pictures of a running platform show: `make pictures` notes it in docs/images/taken.json."""

from __future__ import annotations

import json
from hashlib import sha256

from tests.unit.program import CHECKOUT

TAKEN = CHECKOUT / "docs" / "images" / "taken.json"

SHOWN = {
    "dev.png": ["rehearsal/pod_simulator/page.html"],
    "prod.png": ["rehearsal/pod_simulator/page.html"],
    "releases.png": ["release/page/templates/*", "release/page/static/*"],
    "up.svg": ["rehearsal/summary.py", "rehearsal/display.py", "tools/recording.py"],
}
"""The files that make what a picture shows, by patterns in the checkout."""


def digests() -> dict[str, str]:
    """The digest of what each picture shows today."""
    files = {picture: [file for one in told for file in sorted(CHECKOUT.glob(one))] for picture, told in SHOWN.items()}
    return {
        picture: sha256(b"".join(file.read_bytes() for file in shown)).hexdigest() for picture, shown in files.items()
    }


if __name__ == "__main__":
    TAKEN.write_text(json.dumps(digests(), indent=2) + "\n", encoding="utf-8")
