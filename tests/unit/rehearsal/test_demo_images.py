"""A demo image's digest encodes its version and fault, and no other digest is taken for one."""

from __future__ import annotations

import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal import demo_images
from rehearsal.demo_images import Fault
from rehearsal.errors import RehearsalError
from release import slots

NAMES = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=28).filter(
    lambda name: name[0] not in "._-"
)


@given(NAMES, st.none() | st.sampled_from(Fault))
def test_a_digest_gives_back_its_version_and_its_fault(name: str, fault: Fault | None) -> None:
    image = f"registry.example.com/api@{demo_images.digest(name, fault)}"
    assert (demo_images.version(image), demo_images.fault(image)) == (name, fault)


@given(st.binary())
def test_a_digest_of_a_real_image_is_sound_and_named_by_its_first_digits(content: bytes) -> None:
    digits = hashlib.sha256(content).hexdigest()
    image = f"registry.example.com/api@sha256:{digits}"
    assert (demo_images.version(image), demo_images.fault(image)) == (digits[:12], None)


@pytest.mark.parametrize(
    ("image", "version"), [("busybox", "latest"), ("registry:5000/jenkins:2.5", "2.5"), ("registry:5000/a/b", "latest")]
)
def test_an_image_without_a_digest_is_named_by_its_tag(image: str, version: str) -> None:
    assert (demo_images.version(image), demo_images.fault(image)) == (version, None)


@pytest.mark.parametrize("name", ["", "-v2", "v 2", "v2\n", "é", "v" * 29])
def test_a_name_that_no_digest_can_hold_is_refused(name: str) -> None:
    with pytest.raises(RehearsalError, match="cannot be a demo image's version"):
        demo_images.digest(name)


@pytest.mark.parametrize("fault", [None, *Fault])
def test_the_release_tool_takes_a_demo_image(fault: Fault | None) -> None:
    assert slots.is_image(f"registry.example.com/api@{demo_images.digest('v2', fault)}")
