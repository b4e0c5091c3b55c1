"""`python -m tools.node_image`: pins the newest release of the nodes' image in versions.py.

It asks AWS Systems Manager for the release that EKS recommends for this Kubernetes version, of both architectures, with
the credentials of the environment. https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import versions

FILE = Path(versions.__file__)

PARAMETERS = tuple(
    f"/aws/service/eks/optimized-ami/{versions.KUBERNETES}/amazon-linux-2023/{architecture}/standard/recommended/"
    "release_version"
    for architecture in ("x86_64", "arm64")
)

ASSIGNMENT = re.compile(r'^NODE_IMAGE_RELEASE = "[^"]*"$', re.MULTILINE)


def newest(ssm: Any) -> str:
    """The newest release that both architectures have, such as 1.36.1-20260930; `ssm` is a boto3 client.

    For a few hours after a release, EKS may recommend it for one of them only; the older one both have.
    """
    releases = [str(ssm.get_parameter(Name=name)["Parameter"]["Value"]) for name in PARAMETERS]
    return min(releases, key=lambda release: release.rpartition("-")[2])


def pinned(text: str, release: str) -> str:
    """The text of versions.py with another release.

    Raises:
        ValueError: The release is none of this Kubernetes version, or the text pins none.
    """
    if not re.fullmatch(rf"{re.escape(versions.KUBERNETES)}\.\d+-\d{{8}}", release):
        raise ValueError(f"{release} is no release of the image for Kubernetes {versions.KUBERNETES}")
    changed, times = ASSIGNMENT.subn(f'NODE_IMAGE_RELEASE = "{release}"', text)
    if times != 1:
        raise ValueError("versions.py has no line NODE_IMAGE_RELEASE = …")
    return changed


def main() -> None:
    """Writes the file, and says what changed."""
    import boto3  # noqa: PLC0415 - not needed by tests  # pyright: ignore[reportMissingTypeStubs]

    client: Any = getattr(boto3, "client")  # noqa: B009 - boto3 has no types
    release = newest(client("ssm"))
    if release == versions.NODE_IMAGE_RELEASE:
        sys.stdout.write(f"{release} is the newest release already\n")
        return
    FILE.write_text(pinned(FILE.read_text(encoding="utf-8"), release), encoding="utf-8")
    sys.stdout.write(
        f"versions.py: {versions.NODE_IMAGE_RELEASE} is now {release}. `pulumi up` replaces the nodes one by one.\n"
    )


if __name__ == "__main__":
    main()
