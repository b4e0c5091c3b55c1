"""`pulumi.com/waitFor`: an object is ready when the path leads to a value."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.kubernetes import wait_for
from rehearsal.stand_ins.kubernetes.readiness import Seen

PATH = "jsonpath={.status.loadBalancer.ingress[0].hostname}"


def ingress(status: dict[str, Any], annotation: str = PATH) -> dict[str, Any]:
    return {"metadata": {"name": "prod", "annotations": {wait_for.WAIT_FOR: annotation}}, "status": status}


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({"loadBalancer": {"ingress": [{"hostname": "lb.example.com"}]}}, True),
        ({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}, False),
        ({"loadBalancer": {"ingress": []}}, False),
        ({"loadBalancer": {}}, False),
        ({}, False),
    ],
)
def test_it_is_ready_when_the_path_leads_to_a_value(status: dict[str, Any], ready: bool) -> None:
    rule = wait_for.rule(ingress(status))
    assert rule is not None
    assert rule.judge(Seen(ingress(status))).ready == ready


def test_what_has_no_such_annotation_is_judged_by_its_kind() -> None:
    assert wait_for.rule({"metadata": {"name": "prod"}}) is None


def test_a_form_that_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(RehearsalError, match="cannot wait for condition=Ready"):
        wait_for.rule(ingress({}, "condition=Ready"))
