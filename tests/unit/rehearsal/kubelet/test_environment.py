"""Variables and commands are those of the real kubelet."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from kube.client import KubernetesObject
from rehearsal.kubelet import environment
from rehearsal.kubelet.environment import MissingError

POD: KubernetesObject = {
    "metadata": {"name": "p", "namespace": "n", "uid": "u"},
    "spec": {"nodeName": "node", "containers": []},
    "status": {"podIP": "100.65.0.1", "hostIP": "10.0.0.4"},
}
OBJECTS: dict[tuple[str, str], KubernetesObject] = {
    ("ConfigMap", "c"): {"data": {"a": "1"}, "binaryData": {"b": b64encode(b"\x01").decode()}},
    ("Secret", "s"): {"data": {"key": b64encode(b"value").decode()}},
}


def variables(*env: dict[str, Any]) -> dict[str, str]:
    return environment.environment(
        {"name": "c", "env": list(env)}, POD, lambda kind, name: OBJECTS.get((kind, name)), {"PATH": "/bin"}
    )


def test_whole_objects_come_before_single_variables_in_their_order() -> None:
    container = {
        "name": "c",
        "env": [{"name": "key", "value": "own"}],
        "envFrom": [
            {"configMapRef": {"name": "c"}, "prefix": "P_"},
            {"secretRef": {"name": "s"}},
            {"secretRef": {"name": "none", "optional": True}},
        ],
    }

    def objects(kind: str, name: str) -> KubernetesObject | None:
        return OBJECTS.get((kind, name))

    found = environment.environment(container, POD, objects, {"PATH": "/bin"})
    assert found == {"PATH": "/bin", "P_a": "1", "P_b": "\x01", "key": "own"}
    container["envFrom"] = [{"configMapRef": {"name": "none"}}]
    with pytest.raises(MissingError, match='configmap "none" not found'):
        environment.environment(container, POD, objects, {})


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)", "1"),
        ("-$(A)-$(B)-", "-1-two-"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$(UNKNOWN) $A ${A} $", "$(UNKNOWN) $A ${A} $"),
        ("$(A", "$(A"),
    ],
)
def test_references_to_variables_are_replaced_once_and_others_stay(text: str, expanded: str) -> None:
    assert environment.expand(text, {"A": "1", "B": "two"}) == expanded


def test_variables_come_from_where_they_say_and_know_those_before_them() -> None:
    assert variables(
        {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "a"}}},
        {"name": "PLAIN", "value": "$(A) $(PATH) $(LATER)"},
        {"name": "LATER", "valueFrom": {"secretKeyRef": {"name": "s", "key": "key"}}},
        {"name": "FIELD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "NOT", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "no", "optional": True}}},
    ) == {
        "PATH": "/bin",
        "A": "1",
        "PLAIN": "1 /bin $(LATER)",
        "LATER": "value",
        "FIELD": "n",
        "IP": "100.65.0.1",
    }


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"secretKeyRef": {"name": "gone", "key": "k"}}, 'secret "gone" not found'),
        ({"configMapKeyRef": {"name": "c", "key": "k"}}, "couldn't find key k in ConfigMap c"),
        ({"fieldRef": {"fieldPath": "spec.volumes"}}, "field spec.volumes of a pod is not supported"),
    ],
)
def test_a_variable_of_what_is_not_there_is_an_error(source: dict[str, Any], message: str) -> None:
    with pytest.raises(MissingError, match=message):
        variables({"name": "A", "valueFrom": source})


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({}, ["/entry", "default"]),
        ({"args": ["$(A)"]}, ["/entry", "1"]),
        ({"command": ["/own"]}, ["/own"]),
        ({"command": ["/own"], "args": ["x"]}, ["/own", "x"]),
    ],
)
def test_command_and_arguments_stand_in_place_of_the_images(container: dict[str, Any], words: list[str]) -> None:
    assert environment.command(container, ["/entry"], ["default"], {"A": "1"}) == words


def test_a_container_without_any_command_is_refused() -> None:
    with pytest.raises(MissingError, match="no command specified"):
        environment.command({}, [], [], {})
