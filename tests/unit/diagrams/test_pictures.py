"""The screenshots and the recording are not older than what they show."""

from __future__ import annotations

import json

from tests.unit.diagrams.pictures import SHOWN, TAKEN, digests
from tests.unit.program import CHECKOUT


def test_no_picture_is_older_than_what_it_shows() -> None:
    taken = json.loads(TAKEN.read_text(encoding="utf-8"))
    assert {picture for picture, digest in digests().items() if taken.get(picture) != digest} == set(), "make pictures"


def test_every_picture_of_the_documents_is_of_something() -> None:
    pictures = {file.name for file in (CHECKOUT / "docs" / "images").iterdir()}
    drawn = {"dashboard.svg", "overview.svg", "reach.svg"}
    assert pictures - drawn - {TAKEN.name} == set(SHOWN)
    assert [one for patterns in SHOWN.values() for one in patterns if not list(CHECKOUT.glob(one))] == []
