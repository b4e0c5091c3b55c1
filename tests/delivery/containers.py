"""Runs the program of the image that a Service leads to, where no kubelet does: that very image answers.

An image is unpacked by buildah, and its command runs in a changed root with a port of its own.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import urllib3

from release.kubernetes_api import KubernetesApi
from tests.delivery.ports import free_port
from tests.http_server import Answer, Request, answering


@dataclass
class Containers:
    """Answers to `/ENVIRONMENT/SERVICE/PATH`.

    Attributes:
        api: The cluster.
        registry: Where images are had from, whatever host they name.
        storage: A folder for buildah.
    """

    api: KubernetesApi
    registry: str
    storage: Path
    _ports: dict[str, int] = field(default_factory=dict[str, int])
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._url = self._stack.enter_context(answering(self._answer))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        for one in self._processes:
            one.kill()
            one.wait(10)

    def _answer(self, request: Request) -> Answer:
        _, environment, service, path = request.path.split("/", 3)
        return Answer(*self.get(environment, service, f"/{path}"))

    @property
    def pattern(self) -> str:
        """For the release tool's `--through`."""
        return f"{self._url}/{{environment}}/{{service}}"

    def get(self, environment: str, service: str, path: str) -> tuple[int, bytes]:
        """What the slot answers that a Service selects; 503 where it has no pods."""
        image = self.image(environment, service)
        if image is None:
            return 503, b"no pods"
        try:
            found = urllib3.request("GET", f"http://127.0.0.1:{self._port(image)}{path}", retries=False, timeout=5)
        except subprocess.CalledProcessError:  # such as a rehearsal's demo image
            return 502, b"the registry has no such image"
        except urllib3.exceptions.HTTPError as error:
            return 502, str(error).encode()
        return found.status, found.data

    def image(self, environment: str, service: str) -> str | None:
        """The image of the slot that a Service selects; None where it has no pods."""
        found = self.api.get("v1", "Service", service, environment)
        assert found is not None
        selector = found["spec"]["selector"]
        name = f"{selector['app.kubernetes.io/name']}-{selector['slot']}"
        deployment = self.api.get("apps/v1", "Deployment", name, environment)
        assert deployment is not None
        if not deployment["spec"]["replicas"]:
            return None
        return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])

    def _port(self, image: str) -> int:
        with self._lock:
            if image not in self._ports:
                self._ports[image] = self._start(image)
            return self._ports[image]

    def _start(self, image: str) -> int:
        here = f"docker://{self.registry}/{image.partition('/')[2]}"
        container = self._buildah("from", "--tls-verify=false", here)
        root = self._buildah("mount", container)
        command = json.loads(self._buildah("inspect", container))["OCIv1"]["config"]["Cmd"]
        port = free_port()
        # The port is the one thing that differs: a pod has an address of its own.
        command = [f"127.0.0.1:{port}" if word == "8099" else word for word in command]
        self._processes.append(subprocess.Popen(["chroot", root, *command]))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                urllib3.request("GET", f"http://127.0.0.1:{port}/", retries=False, timeout=1)
                break
            except urllib3.exceptions.HTTPError:
                time.sleep(0.05)
        return port

    def _buildah(self, *words: str) -> str:
        command = ["buildah", f"--root={self.storage}", f"--runroot={self.storage}/run", "--storage-driver=vfs", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
