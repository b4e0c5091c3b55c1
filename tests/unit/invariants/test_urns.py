"""No change of this program renames or moves a resource: on AWS the engine would delete it and make another.

`tests/fixtures/urns/` has the resources of the tests' stacks: types of the parents, type and name. A new resource need
not be added. One that is renamed or moved needs an alias in the program, and its new line there; one that goes for good
loses its line. https://www.pulumi.com/docs/iac/concepts/resources/options/aliases/
"""

from __future__ import annotations

import re

import pytest

from tests.unit.program import FIXTURES, STACKS, platform

RECORDED = FIXTURES.parent / "urns"

CONTENT_HASH = re.compile(r"-[0-9a-f]{10}$")
"""The end of the name of an object that is replaced when its content changes."""


def resources(stack: str) -> set[str]:
    """All resources of a stack: the ends of their URNs, without content hashes."""
    urns = platform(stack, preview=False).resources
    return {CONTENT_HASH.sub("", urn.split("::", 2)[2]) for urn in urns}


@pytest.mark.parametrize("stack", STACKS)
def test_every_recorded_resource_has_its_urn(stack: str) -> None:
    recorded = (RECORDED / f"{stack}.txt").read_text(encoding="utf-8").splitlines()
    assert len(recorded) > 100
    assert set(recorded) - resources(stack) == set()
