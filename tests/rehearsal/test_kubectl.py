"""`kubectl logs`, `exec` and `port-forward` answer, or say why not."""

from __future__ import annotations

import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from rehearsal.lifecycle import Rehearsal
from tests.rehearsal.conftest import eventually
from tests.rehearsal.stacks import live_pods

WHY = "No container runs in this pod"


@pytest.fixture
def pod(platform: Rehearsal) -> str:
    """A pod of a service."""
    return str(live_pods(platform.api(), "dev", "api")[0]["metadata"]["name"])


def kubectl(platform: Rehearsal, *words: str) -> list[str]:
    """A command line."""
    return [str(platform.layout.tools / "kubectl"), f"--kubeconfig={platform.layout.kubeconfig}", *words]


def printed(platform: Rehearsal, *words: str) -> str:
    """What a command prints, whether it fails or not."""
    ran = subprocess.run(kubectl(platform, *words), capture_output=True, text=True, check=False, timeout=30)
    return ran.stdout + ran.stderr


@contextmanager
def forwarded(platform: Rehearsal, *words: str) -> Generator[str]:
    """The address at which a port of a pod answers."""
    with subprocess.Popen(
        kubectl(platform, *words), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as one:
        try:
            assert one.stdout is not None
            found = re.match(r"Forwarding from (127.0.0.1:\d+)", one.stdout.readline())
            assert found is not None
            yield found[1]
        finally:
            one.kill()


def test_a_simulated_pod_says_why_it_has_no_logs(platform: Rehearsal, pod: str) -> None:
    assert WHY in printed(platform, "--namespace=dev", "logs", pod)
    assert WHY in printed(platform, "--namespace=dev", "logs", pod, "--previous")


def test_no_command_runs_in_a_container_and_that_is_said(platform: Rehearsal, pod: str) -> None:
    assert "does not work in a rehearsal" in printed(platform, "--namespace=dev", "exec", pod, "--", "id")


def test_a_forwarded_port_of_a_simulated_pod_says_whom_to_ask(platform: Rehearsal, pod: str) -> None:
    with (
        forwarded(platform, "--namespace=dev", "port-forward", pod, ":8080") as address,
        pytest.raises(urllib.error.HTTPError) as refused,
    ):
        urllib.request.urlopen(f"http://{address}", timeout=10)
    with refused.value as answer:
        assert (answer.code, WHY in answer.read().decode()) == (501, True)


def test_a_forwarded_port_of_a_container_that_runs_answers(platform: Rehearsal) -> None:
    def answers() -> bool:
        with forwarded(platform, "--namespace=kube-system", "port-forward", "deployment/coredns", ":9153") as address:
            try:
                return b"coredns_build_info" in urllib.request.urlopen(f"http://{address}/metrics", timeout=10).read()
            except OSError:
                return False

    eventually(answers, "KWOK knows the port")  # it looks for the kinds that say so again later
