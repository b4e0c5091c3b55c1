"""Variables and commands are those that a kubelet makes."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from rehearsal.kubelet import environment
from rehearsal.kubelet.environment import MissingError, Objects
from release.kubernetes_api import KubernetesObject

POD: KubernetesObject = {
    "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"app": 'a"b', "b": "2"}},
    "spec": {"nodeName": "node", "containers": []},
    "status": {"podIP": "100.65.0.1", "hostIP": "10.0.0.4"},
}
OBJECTS: Objects = {
    ("ConfigMap", "c"): {"data": {"a": "1"}, "binaryData": {"b": b64encode(b"\x01").decode()}},
    ("Secret", "s"): {"data": {"key": b64encode(b"value").decode()}},
    ("Secret", "gone"): None,
}


def variables(*env: dict[str, Any], **more: Any) -> dict[str, str]:
    container = {"name": "c", "env": list(env), **more}
    return environment.environment(container, POD, OBJECTS, {"X_SERVICE_HOST": "172.20.0.9"})


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
        {"name": "PLAIN", "value": "$(FROM_a) $(X_SERVICE_HOST) $(LATER)"},
        {"name": "LATER", "valueFrom": {"secretKeyRef": {"name": "s", "key": "key"}}},
        {"name": "FIELD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['b']"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "NOT", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "no", "optional": True}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu"}}},
        envFrom=[{"prefix": "FROM_", "configMapRef": {"name": "c"}}],
        resources={"requests": {"cpu": "100m"}},
    ) == {
        "X_SERVICE_HOST": "172.20.0.9",
        "FROM_a": "1",
        "FROM_b": "\x01",
        "PLAIN": "1 172.20.0.9 $(LATER)",
        "LATER": "value",
        "FIELD": "2",
        "IP": "100.65.0.1",
        "CPU": "1",
    }


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"secretKeyRef": {"name": "gone", "key": "k"}}, 'secret "gone" not found'),
        ({"configMapKeyRef": {"name": "c", "key": "k"}}, "couldn't find key k in ConfigMap c"),
        ({"fieldRef": {"fieldPath": "spec.volumes"}}, "not one of the downward API's"),
    ],
)
def test_a_variable_of_what_is_not_there_is_an_error(source: dict[str, Any], message: str) -> None:
    with pytest.raises(MissingError, match=message):
        variables({"name": "A", "valueFrom": source})


def test_a_pod_refers_to_all_that_its_variables_and_volumes_name() -> None:
    spec: dict[str, Any] = {
        "containers": [{"envFrom": [{"secretRef": {"name": "a"}}]}],
        "initContainers": [{"env": [{"name": "x", "valueFrom": {"configMapKeyRef": {"name": "b", "key": "k"}}}]}],
        "volumes": [
            {"name": "v", "secret": {"secretName": "c"}},
            {"name": "w", "projected": {"sources": [{"secret": {"name": "d"}}, {"configMap": {"name": "e"}}]}},
            {"name": "x", "emptyDir": {}},
        ],
    }
    assert environment.references({"spec": spec}) == {
        ("Secret", "a"),
        ("ConfigMap", "b"),
        ("Secret", "c"),
        ("Secret", "d"),
        ("ConfigMap", "e"),
    }


def service(namespace: str, name: str, address: str) -> KubernetesObject:
    ports = [{"name": "https-web", "port": 443}, {"port": 53, "protocol": "UDP"}]
    return {"metadata": {"namespace": namespace, "name": name}, "spec": {"clusterIP": address, "ports": ports}}


def test_services_of_the_namespace_are_named_and_always_the_api_server() -> None:
    services = [
        service("default", "kubernetes", "172.20.0.1"),
        service("default", "other", "172.20.0.2"),
        service("n", "my-own", "172.20.0.3"),
        service("n", "headless", "None"),
    ]
    without = environment.of_services(services, namespace="n", links=False)
    assert {name.split("_")[0] for name in without} == {"KUBERNETES"}
    linked = environment.of_services(services, namespace="n", links=True)
    assert {name: value for name, value in linked.items() if name.startswith("MY_OWN")} == {
        "MY_OWN_SERVICE_HOST": "172.20.0.3",
        "MY_OWN_SERVICE_PORT": "443",
        "MY_OWN_SERVICE_PORT_HTTPS_WEB": "443",
        "MY_OWN_PORT": "tcp://172.20.0.3:443",
        "MY_OWN_PORT_443_TCP": "tcp://172.20.0.3:443",
        "MY_OWN_PORT_443_TCP_PROTO": "tcp",
        "MY_OWN_PORT_443_TCP_PORT": "443",
        "MY_OWN_PORT_443_TCP_ADDR": "172.20.0.3",
        "MY_OWN_PORT_53_UDP": "udp://172.20.0.3:53",
        "MY_OWN_PORT_53_UDP_PROTO": "udp",
        "MY_OWN_PORT_53_UDP_PORT": "53",
        "MY_OWN_PORT_53_UDP_ADDR": "172.20.0.3",
    }


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
