"""No argument of a component is silently dropped."""

from __future__ import annotations

import pulumi
import pytest

from rehearsal.emulators.eks.arguments import Taken


def test_what_is_not_taken_is_refused_by_name() -> None:
    given = Taken({"known": 1, "other": 2, "another": 3, "absent": None}, "eks.Cluster x")
    assert given.take("known") == 1
    with pytest.raises(pulumi.InputPropertiesError) as refused:
        given.refuse_the_rest()
    assert [error["property_path"] for error in refused.value.errors or []] == ["another", "other"]
