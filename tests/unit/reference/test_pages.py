"""The reference pages are of today: `python -m tests.unit.reference.pages` writes them anew."""

from __future__ import annotations

import re

from rehearsal.emulators.aws.kinds import KINDS
from tests.unit.program import CHECKOUT, STACKS, platform
from tests.unit.reference.pages import COMPONENTS, EMULATED, PREFIX, components, components_page, emulated_page


def test_the_pages_are_of_today() -> None:
    assert COMPONENTS.read_text(encoding="utf-8") == components_page()
    assert EMULATED.read_text(encoding="utf-8") == emulated_page()


def test_every_component_that_a_stack_registers_is_told() -> None:
    told = {one.name for one in components()}
    used = {
        one.type.removeprefix(PREFIX)
        for stack in STACKS
        for one in platform(stack, preview=False).resources.values()
        if one.type.startswith(PREFIX)
    }
    assert used - told == set()
    assert len(used) > 30
    assert [one.name for one in components() if not one.what] == []


def test_every_emulated_type_is_told() -> None:
    told = re.findall(r"^\| `([^`]+)`", EMULATED.read_text(encoding="utf-8"), re.MULTILINE)
    assert told == sorted(KINDS)


def test_the_pages_are_on_the_site() -> None:
    site = (CHECKOUT / "mkdocs.yml").read_text(encoding="utf-8")
    assert all(page.name in site for page in (COMPONENTS, EMULATED))
