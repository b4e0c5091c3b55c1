"""Load applies to the pods of the active Service; tests/rehearsal has KWOK's evaluation."""

from __future__ import annotations

from typing import Any

from rehearsal.kubelet import kwok


def service(name: str, slot: str | None) -> Any:
    spec = {} if slot is None else {"selector": {"app.kubernetes.io/name": "api", "slot": slot}}
    return {"metadata": {"name": name, "namespace": "dev"}, "spec": spec}


def cpu(load: dict[str, float], *services: Any) -> str:
    (usage,) = kwok.usage(load, services)["spec"]["usages"]
    return usage["usage"]["cpu"]["expression"]


IDLE = 'Quantity("1m") + (Quantity("0"))'


def test_the_live_slots_pods_bear_the_load_and_no_others() -> None:
    assert cpu({"dev/api": 2.5, "prod/api": 90}, service("api", "green"), service("api-preview", "blue")) == (
        'Quantity("1m") + (pod.metadata.namespace == "dev"'
        ' && "app.kubernetes.io/name" in pod.metadata.labels && pod.metadata.labels["app.kubernetes.io/name"] == "api"'
        ' && "slot" in pod.metadata.labels && pod.metadata.labels["slot"] == "green"'
        ' ? container.resources.requests["cpu"] * 25 / 1000 : Quantity("0"))'
    )


def test_what_no_load_was_told_of_and_what_leads_nowhere_has_nothing_to_do() -> None:
    assert (
        cpu({}, service("api", "green")) == cpu({"dev/api": 90}) == cpu({"dev/api": 90}, service("api", None)) == IDLE
    )
