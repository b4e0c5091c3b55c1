"""Runs the pod that a Service leads to, where no kubelet does: its very image, as its Deployment says, answers.

Skopeo pulls an image, umoci unpacks it; `runtime.py` runs it.
"""

from __future__ import annotations

import errno
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import urllib3

from kube.client import KubernetesApi, KubernetesObject
from tests.delivery.ecr import LOGIN, Ecr
from tests.delivery.runtime import Container, Image, Network, PodSpec, run
from tests.http_server import Answer, Request, answering


@dataclass
class Containers:
    """Answers for Services, each at an address of its own and on its own port.

    Attributes:
        api: The cluster.
        ecr: Where images are had from.
        network: Where each has an address.
        folder: For images and containers.
    """

    api: KubernetesApi
    ecr: Ecr
    network: Network
    folder: Path
    _urls: dict[str, str] = field(default_factory=dict[str, str])
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self.folder.mkdir()
        self._stack = ExitStack()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def serve(self, environment: str, service: str) -> tuple[str, str]:
        """Begins to answer for a Service, as kube-proxy does at its address; returns the address and its DNS name."""
        (port,) = self._service(environment, service)["spec"]["ports"]

        def answer(request: Request) -> Answer:
            return Answer(*self.get(environment, service, request.path))

        while True:
            address = f"127.80.0.{next(self._numbers)}"
            try:
                self._stack.enter_context(answering(answer, (address, int(port["port"]))))
            except OSError as error:  # another run of these tests has it
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return address, f"{service}.{environment}.svc"

    def get(self, environment: str, service: str, path: str) -> tuple[int, bytes]:
        """What the slot answers that a Service selects; 503 where it has no pods."""
        pod = self._pod(environment, service)
        if pod is None:
            return 503, b"no pods"
        try:
            found = urllib3.request("GET", f"{self._running(environment, pod)}{path}", retries=False, timeout=5)
        except RuntimeError as error:  # such as a rehearsal's demo image, which the registry does not have
            return 502, str(error).encode()
        except urllib3.exceptions.HTTPError as error:
            return 502, str(error).encode()
        return found.status, found.data

    def image(self, environment: str, service: str) -> str | None:
        """The image of the slot that a Service selects; None where it has no pods."""
        pod = self._pod(environment, service)
        return str(pod["containers"][0]["image"]) if pod else None

    def _pod(self, environment: str, service: str) -> PodSpec | None:
        selector = self._service(environment, service)["spec"]["selector"]
        name = f"{selector['app.kubernetes.io/name']}-{selector['slot']}"
        deployment = self.api.get("apps/v1", "Deployment", name, environment)
        assert deployment is not None
        return deployment["spec"]["template"]["spec"] if deployment["spec"]["replicas"] else None

    def _service(self, environment: str, service: str) -> KubernetesObject:
        found = self.api.get("v1", "Service", service, environment)
        assert found is not None
        return found

    def _running(self, environment: str, pod: PodSpec) -> str:
        key = f"{environment}/{pod['containers'][0]['image']}"
        with self._lock:
            if key not in self._urls:
                self._urls[key] = self._start(pod, self.folder / str(len(self._urls)))
            return self._urls[key]

    def _start(self, pod: PodSpec, folder: Path) -> str:
        (container,) = pod["containers"]
        image = self._unpack(container["image"].partition("/")[2], folder / "image")
        running = self._stack.enter_context(Container(pod, image, folder / "pod", self.network))
        url = f"http://{running.address}:{container['ports'][0]['containerPort']}"
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                urllib3.request("GET", url, retries=False, timeout=1)
                break
            except urllib3.exceptions.HTTPError:
                time.sleep(0.05)
        return url

    def _unpack(self, name: str, folder: Path) -> Image:
        folder.mkdir(parents=True, exist_ok=True)
        here = f"{folder}/layout:image"
        registry = ("--src-cert-dir", str(self.ecr.trusted), "--src-creds", LOGIN)
        run("skopeo", "--insecure-policy", "copy", *registry, f"docker://{self.ecr.address}/{name}", f"oci:{here}")
        run("umoci", "raw", "unpack", "--image", here, folder / "root")
        content: dict[str, Any] = json.loads(run("skopeo", "inspect", "--config", f"oci:{here}"))["config"]
        variables: list[str] = content.get("Env") or []
        return Image(
            root=folder / "root",
            entrypoint=content.get("Entrypoint") or [],
            command=content.get("Cmd") or [],
            environment=dict(one.split("=", 1) for one in variables),
            directory=content.get("WorkingDir") or "/",
        )
