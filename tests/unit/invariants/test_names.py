"""Names: for every valid service name, its objects have valid, unique names and labels."""

from __future__ import annotations

import re

from hypothesis import assume, given
from hypothesis import strategies as st

import config
from components.kubernetes.immutable import immutable_name
from components.workload.pod_template import pod_labels
from config.checks.services import RESERVED_SUFFIXES
from contract.blue_green import contract

DNS_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names."""

LABEL_VALUE = r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?"
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set."""

GENERATED = "-0123456789-abcde"
"""What the controllers of Deployment and ReplicaSet add to a pod's name, at its longest."""

SERVICE_NAMES = (
    st.from_regex(r"[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9}){0,3}", fullmatch=True)
    .filter(lambda name: len(name) <= config.SERVICE_NAME_LIMIT)
    .filter(lambda name: not name.endswith(RESERVED_SUFFIXES))
)
CONTENT = st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=4)


def names(service: str) -> set[tuple[str, str]]:
    """Kind and name of a service's objects, but for those whose names are made from content."""
    told = contract("prod", service)
    return {
        ("PodTemplate", told["podTemplate"]),
        ("HorizontalPodAutoscaler", told["autoscaler"]),
        ("Service", told["activeService"]),
        ("Service", told["previewService"]),
        *(("Deployment", name) for name in told["deployments"].values()),
    }


def longest(service: str) -> str:
    """A service's name, as long as one may be."""
    return service.ljust(config.SERVICE_NAME_LIMIT, "z")


@given(SERVICE_NAMES.flatmap(lambda name: st.sampled_from([name, longest(name)])), CONTENT)
def test_every_name_and_label_is_one_that_kubernetes_takes(service: str, content: dict[str, str]) -> None:
    made = {name for _, name in names(service)} | {immutable_name(service, content, content)}
    for name in made:
        assert re.fullmatch(DNS_LABEL, name)
    for name in contract("prod", service)["deployments"].values():
        assert re.fullmatch(DNS_LABEL, name + GENERATED)
    for value in pod_labels("prod", service).values():
        assert re.fullmatch(LABEL_VALUE, value)


@given(SERVICE_NAMES, SERVICE_NAMES)
def test_two_services_never_have_an_object_of_one_name(one: str, other: str) -> None:
    assume(one != other)
    assert not names(one) & names(other)


@given(SERVICE_NAMES, st.sampled_from(RESERVED_SUFFIXES))
def test_only_the_reserved_endings_would_make_two_objects_of_one_name(service: str, suffix: str) -> None:
    everything = {name for _, name in names(service)}
    assert f"{service}{suffix}" in everything
    assert everything == {service, *(f"{service}{ending}" for ending in RESERVED_SUFFIXES)}
