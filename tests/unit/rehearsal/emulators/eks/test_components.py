"""No argument of a component is silently dropped."""

from __future__ import annotations

import pulumi
import pytest

from rehearsal.emulators.eks.components import arguments_of, refuse


def test_what_is_not_read_is_refused_by_name() -> None:
    arguments = arguments_of({"known": 1, "other": 2, "another": 3, "absent": None}, "eks.Cluster x")
    assert arguments.pop("known") == 1
    with pytest.raises(pulumi.InputPropertiesError) as refused:
        refuse(arguments, "eks.Cluster x")
    assert [error["property_path"] for error in refused.value.errors or []] == ["another", "other"]


def test_an_argument_that_the_emulator_needs_is_named() -> None:
    with pytest.raises(pulumi.InputPropertyError) as refused:
        arguments_of({"launchTemplate": None}, "eks.ManagedNodeGroup x", required=("launchTemplate",))
    assert refused.value.property_path == "launchTemplate"
