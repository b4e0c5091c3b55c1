"""The annotations that we use, each in its form."""

from __future__ import annotations

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.front_door.annotations import PREFIX, TABLE, used
from tests.unit.graph import Graph

FORMS: dict[str, tuple[list[str], list[str]]] = {
    "target-type": (["instance"], ["ip", ""]),
    "target-node-labels": (["environment=dev", "a=b, c=d"], ["", "environment", "a=b,c"]),
    "target-group-attributes": (
        ["deregistration_delay.timeout_seconds=30", "load_balancing.algorithm.type=round_robin"],
        [
            "deregistration_delay.timeout_seconds=3601",
            "stickiness.enabled=true",
            "deregistration_delay.timeout_seconds",
        ],
    ),
    "backend-protocol": (["HTTP", "HTTPS"], ["http"]),
    "healthcheck-path": (["/", "/api/healthcheck"], ["", "up", "/a b", "/a#b", '/"', "/$HOME"]),
    "healthcheck-protocol": (["HTTP", "HTTPS"], ["TCP"]),
    "healthcheck-port": (["traffic-port"], ["8080"]),
    "healthcheck-interval-seconds": (["5", "300"], ["4", "301", "x", "\N{ARABIC-INDIC DIGIT NINE}"]),
    "healthcheck-timeout-seconds": (["2", "120"], ["1", "121"]),
    "healthy-threshold-count": (["2", "10"], ["1", "11"]),
    "unhealthy-threshold-count": (["2", "10"], ["1", "11"]),
    "success-codes": (["200", "200,201", "200-299"], ["", "100", "500", "200-", "200 201"]),
    "listen-ports": (
        ['[{"HTTPS": 443}]', '[{"HTTP": 80}, {"HTTPS": 443}]'],
        [
            "443",
            "[]",
            '[{"TCP": 443}]',
            '[{"HTTP": "80"}]',
            '[{"HTTP": 0}]',
            '[{"HTTP": 80, "HTTPS": 443}]',
            '{"HTTP": 80}',
        ],
    ),
    "conditions.SERVICE": (
        ['[{"field": "source-ip", "sourceIpConfig": {"values": ["192.0.2.0/24", "198.51.100.0/24"]}}]'],
        [
            "[]",
            '[{"field": "host-header", "hostHeaderConfig": {"values": ["other.example.com"]}}]',
            '[{"field": "source-ip", "sourceIpConfig": {"values": []}}]',
            '[{"field": "source-ip", "sourceIpConfig": {"values": ["everybody"]}}]',
            '[{"field": "source-ip", "sourceIpConfig": {"values": ["::1", "::2", "::3", "::4"]}}]',
        ],
    ),
    "ssl-redirect": (["443"], ["0", "65536", "true"]),
}


@pytest.mark.parametrize("name", TABLE)
def test_each_annotation_is_taken_in_its_form_and_refused_in_another(name: str) -> None:
    good, bad = FORMS[name]
    for text in good:
        assert used({PREFIX + name: text, "other/annotation": "x"}, on="Ingress dev/dev") == {name: text}
    for text in bad:
        with pytest.raises(RehearsalError, match=f"Ingress dev/dev: annotation {PREFIX}{name}: .* has not its form"):
            used({PREFIX + name: text}, on="Ingress dev/dev")


@pytest.mark.parametrize("name", ["scheme", "group.name", "inbound-cidrs", "actions.redirect", "target_type"])
def test_any_other_annotation_of_the_load_balancer_is_refused(name: str) -> None:
    with pytest.raises(RehearsalError, match=f"Service dev/api: annotation {PREFIX}{name}: nobody knows here"):
        used({PREFIX + name: "x"}, on="Service dev/api")


def test_the_platform_uses_only_annotations_of_the_table(known: Graph) -> None:
    for one in known.objects():
        used(one.metadata.get("annotations"), on=one.urn)
