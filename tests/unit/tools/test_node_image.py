"""The command that pins the newest release of the nodes' image."""

from __future__ import annotations

from typing import Any

import pytest

import versions
from tools.node_image import FILE, newest, pinned


class Ssm:
    """Systems Manager with EKS' parameters.

    https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html
    """

    def __init__(self, *, x86_64: str, arm64: str) -> None:
        of = f"/aws/service/eks/optimized-ami/{versions.KUBERNETES}/amazon-linux-2023"
        self._values = {
            f"{of}/{architecture}/standard/recommended/release_version": release
            for architecture, release in {"x86_64": x86_64, "arm64": arm64}.items()
        }

    def get_parameter(self, *, Name: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Answers as AWS does."""
        return {"Parameter": {"Value": self._values[Name]}}


OLD, NEW = f"{versions.KUBERNETES}.10-20990124", f"{versions.KUBERNETES}.9-20990131"


def test_the_newest_release_takes_the_place_of_the_pinned_one_and_nothing_else_changes() -> None:
    text = FILE.read_text(encoding="utf-8")
    release = newest(Ssm(x86_64=NEW, arm64=NEW))
    changed = pinned(text, release)
    assert changed == text.replace(versions.NODE_IMAGE_RELEASE, release)
    assert changed != text


@pytest.mark.parametrize(("x86_64", "arm64"), [(OLD, NEW), (NEW, OLD)])
def test_a_release_that_one_architecture_does_not_have_yet_is_not_pinned(x86_64: str, arm64: str) -> None:
    assert newest(Ssm(x86_64=x86_64, arm64=arm64)) == OLD


@pytest.mark.parametrize("release", ["1.35.0-20260101", "latest", ""])
def test_a_release_of_another_version_is_refused(release: str) -> None:
    with pytest.raises(ValueError, match="no release of the image"):
        pinned(FILE.read_text(encoding="utf-8"), release)


def test_a_file_without_a_pinned_release_is_refused() -> None:
    with pytest.raises(ValueError, match="no line"):
        pinned("", versions.NODE_IMAGE_RELEASE)
