"""buildkitd as its pod: the program's manifest and certificates, rootless, by the runtime of `runtime.py`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from components.delivery.jenkins.buildkit import NAME
from components.delivery.jenkins.names import BUILDKIT_CLIENT
from config import PROJECT
from pipelines import certificates
from tests import programs
from tests.delivery import images
from tests.delivery.runtime import Container, Network, PodSpec
from tests.unit.components.delivery.jenkins import DELIVERY
from tests.unit.manifests import manifests
from tests.unit.program import configured
from tools.program.graph import Graph

SIGNED = {f"{PROJECT}:signImages": "true"}
"""Configuration of a stack whose images are signed."""

PROGRAMS = (programs.BUILDCTL, programs.BUILDKITD, programs.ROOTLESSKIT)


def missing() -> list[str]:
    """Which of its programs were not built."""
    return [one.name for one in PROGRAMS if programs.find(one) is None]


def program(name: str) -> Path:
    """One of `PROGRAMS`, which was built."""
    (found,) = (programs.find(one) for one in PROGRAMS if one.name == name)
    assert found is not None, name
    return found


@dataclass(frozen=True)
class Delivery:
    """What the program makes of a stack whose settings have `delivery`, with certificates of now.

    Attributes:
        stack: The stack.
        config: Its configuration.
    """

    stack: str
    config: Mapping[str, str]

    @cached_property
    def graph(self) -> Graph:
        """Everything of it."""
        made = certificates.new_certificates(datetime.now(UTC))
        delivery = {**DELIVERY, "certificates": made, "sources": {}, "notify": None}
        config = {**self.config, f"{PROJECT}:delivery": json.dumps(delivery)}
        return configured(config, stack=self.stack)

    @property
    def secrets(self) -> Mapping[str, Mapping[str, str]]:
        """The content of the Secrets with certificates and of the daemon's ConfigMap, by their names."""
        secrets = {one.metadata["name"]: one.inputs["stringData"].value for one in self.graph.of_kind("Secret")}
        config_maps = {one.metadata["name"]: one.inputs.get("data", {}) for one in self.graph.of_kind("ConfigMap")}
        return {name: (secrets | config_maps)[name] for name in (BUILDKIT_CLIENT, f"{NAME}-server", NAME)}

    @property
    def buildkitd(self) -> PodSpec:
        """The daemon's pod."""
        return self._template["spec"]

    @property
    def annotations(self) -> Mapping[str, str]:
        """Those of the daemon's pod: with others it is another pod."""
        return self._template["metadata"]["annotations"]

    @property
    def _template(self) -> dict[str, Any]:
        (found,) = (
            one for one in manifests(self.graph) if one["kind"] == "Deployment" and one["metadata"]["name"] == NAME
        )
        return found["spec"]["template"]

    @property
    def agent(self) -> PodSpec:
        """The pod of the agents that build."""
        (release,) = (one for one in self.graph.of_type("kubernetes:helm.sh/v3:Release") if one.name == "jenkins")
        templates: list[dict[str, Any]] = json.loads(release.inputs["values"]["agent"]["podTemplates"]["hello"])
        (found,) = (json.loads(one["yaml"]) for one in templates if one["label"] == "build")
        return found["spec"]

    @property
    def variables(self) -> dict[str, str]:
        """What the controller gives each build."""
        (release,) = (one for one in self.graph.of_type("kubernetes:helm.sh/v3:Release") if one.name == "jenkins")
        configuration = json.loads(release.inputs["values"]["controller"]["JCasC"]["configScripts"]["hello"])
        (told,) = configuration["jenkins"]["globalNodeProperties"]
        return {one["key"]: one["value"] for one in told["envVars"]["env"]}

    @property
    def repositories(self) -> set[str]:
        """The names of all repositories that it makes in ECR."""
        return {one.inputs["name"] for one in self.graph.of_type("aws:ecr/repository:Repository")}


@dataclass
class Daemon:
    """buildkitd's pod, and another one after each `restart`, as its Deployment has it.

    Attributes:
        delivery: Whose pod it is.
        network: Where it has an address.
        registry: The host name of the registry: a cluster's DNS would know it; it is this machine.
        authority: Who signed the registry's certificate, as PEM: of ECR's the image knows the authority itself.
        folder: Empty.
        container: The pod that runs.
    """

    delivery: Delivery
    network: Network
    registry: str
    authority: str
    folder: Path
    container: Container = field(init=False)

    def __enter__(self) -> Self:
        self.folder.mkdir()
        self._count = 0
        self._stack = ExitStack()
        self.restart()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def restart(self) -> None:
        """Its pod goes, with all that it kept, and another one comes."""
        self._stack.close()
        self._count += 1
        folder = self.folder / str(self._count)
        folder.mkdir()
        image = images.buildkit(
            folder / "image",
            {one.name: program(one.name) for one in PROGRAMS},
            hosts={self.registry: self.network.gateway},
            authorities=self.authority,
        )
        pod = Container(self.delivery.buildkitd, image, folder / "pod", self.network, self.delivery.secrets)
        self.container = self._stack.enter_context(pod)
        self._wait()

    def _wait(self) -> None:
        """As the kubelet does: asks the startup probe's command."""
        probe = self.delivery.buildkitd["containers"][0]["startupProbe"]
        deadline = time.monotonic() + probe["periodSeconds"] * probe["failureThreshold"]
        while (asked := self.container.execute(*probe["exec"]["command"])).returncode:
            if self.container.ended or time.monotonic() >= deadline:
                raise TimeoutError(f"buildkitd did not start: {asked.stderr}\n{self.container.log}")
            time.sleep(0.2)
