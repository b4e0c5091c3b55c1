"""A service is called at its Service's port, from a pod and from outside."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contract.blue_green import SERVICE_PORT
from kube.client import KubernetesApiError
from release.errors import ReleaseError
from release.http import Answer, InCluster, Target, ThroughApiServer
from release.observe import observe
from release.session import Options, Session
from tests.http_server import Answer as Told
from tests.http_server import Request, answering
from tests.release.platform import objects
from tests.unit.release.fake_cluster import FakeClock, FakeCluster

PREVIEW = Target("dev", "api-preview", SERVICE_PORT, "http")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that are looked up; the cluster's DNS would know those of Services, which are this machine here."""
    names: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: str, *arguments: Any, **options: Any) -> Any:
        names.append(host)
        return real("127.0.0.1" if host.endswith(".svc") else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return names


def test_a_pod_asks_a_service_by_its_name_on_its_own_port(asked: list[str]) -> None:
    def answer(request: Request) -> Told:
        return Told(200, f"{request.headers['Host'].partition(':')[0]}{request.path}".encode())

    with answering(answer) as url:
        target = replace(PREVIEW, port=int(url.rpartition(":")[2]))
        assert InCluster().get(target, "/health", timeout=5) == Answer(200, "api-preview.dev.svc/health")
    assert asked == ["api-preview.dev.svc"]


@pytest.mark.usefixtures("asked")
def test_what_does_not_listen_there_does_not_answer() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = InCluster().get(replace(PREVIEW, port=taken.getsockname()[1]), "/", timeout=5)
    assert found.status is None
    assert "Connection refused" in found.body


def test_from_outside_the_api_server_is_asked_for_the_port_by_its_name() -> None:
    class Proxy:
        def service_proxy(self, *arguments: object, timeout: float) -> tuple[int, str]:
            if (*arguments, timeout) != ("dev", "api-preview:http", "/health", 5):
                raise KubernetesApiError("no such port", status=503, reason="ServiceUnavailable")
            return 200, "ok"

    ask = ThroughApiServer(Proxy())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert ask.get(PREVIEW, "/health", timeout=5) == Answer(200, "ok")
    assert ask.get(replace(PREVIEW, port_name="web"), "/health", timeout=5) == Answer(None, "no such port")


@pytest.mark.parametrize("in_pod", [True, False])
def test_the_way_is_that_of_the_place(in_pod: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A pod that is given a kubeconfig asks another cluster, whose names it does not know."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.touch()
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "172.20.0.1")

    def nothing(*_: object, **__: object) -> None:
        """No API server is asked."""

    monkeypatch.setattr("kube.client._api_client", nothing)
    monkeypatch.setattr("kube.client._cluster", nothing)
    monkeypatch.setattr("kubernetes.dynamic.DynamicClient", nothing)
    session = Session(Options(kubeconfig=None if in_pod else kubeconfig), FakeClock())
    assert isinstance(session.caller(), InCluster if in_pod else ThroughApiServer)


def test_each_service_of_a_pair_says_its_own_port() -> None:
    made = objects("dev", "api")
    ports = {one["metadata"]["name"]: one["spec"]["ports"] for one in made if one["kind"] == "Service"}
    ports["api"][:] = [{"name": "metrics", "port": 80}, {"name": "http", "port": 8085}]
    found = observe(FakeCluster(FakeClock(), made), "dev", "api", now=datetime(2026, 5, 1, tzinfo=UTC))
    assert found.active_target == Target("dev", "api", 8085, "http")
    assert found.preview_target == PREVIEW
    ports["api"][:] = [{"name": "metrics", "port": 80}]
    with pytest.raises(ReleaseError, match="Service api in dev has no port named http"):
        observe(FakeCluster(FakeClock(), made), "dev", "api", now=datetime(2026, 5, 1, tzinfo=UTC))
