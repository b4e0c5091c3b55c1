"""Hosts by the real engine: with a zone in one run; without one as a person goes there; and down again, in order."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from rich.console import Console

from rehearsal import aws, control_plane
from rehearsal.emulators.aws import protection
from rehearsal.emulators.aws.account import Account
from rehearsal.front_door.running import entrance
from rehearsal.layout import Layout
from rehearsal.lifecycle import Rehearsal, plain
from rehearsal.toolchain import Toolchain
from tests.rehearsal.conftest import eventually
from tests.unit.program import FIXTURES

DOMAIN = "dev.hello.example.com"
REGION = "ap-northeast-2"
HOSTS = {DOMAIN: "public", f"test.{DOMAIN}": "staff", f"log.{DOMAIN}": "staff"}
CERTIFICATE = "aws:acm/certificate:Certificate"
RECORD = "aws:route53/record:Record"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
CONTROLLER = "kubernetes:helm.sh/v3:Release::aws-load-balancer-controller"


class Recorder:
    """A display that notes what was done to which resource, in order; what stayed the same is not in it."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []

    def event(self, event: Any) -> None:
        """Takes one event."""
        told = event.res_outputs_event
        if told is not None and told.metadata.op.value not in ("same", "read"):
            self.done.append((told.metadata.op.value, told.metadata.urn.split("::", 2)[2].rsplit("$", 1)[-1]))


@pytest.fixture(scope="module")
def stack(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """The dev stack, up."""
    assert tools.pulumi
    rehearsal = Rehearsal("dev", Layout(tmp_path_factory.mktemp("hosts") / "up"), Console(), stacks=FIXTURES)
    try:
        rehearsal.up()
        yield rehearsal
        rehearsal.down()
    finally:
        control_plane.stop(rehearsal.layout)


def up(stack: Rehearsal) -> set[tuple[str, str]]:
    """What one more `up` did."""
    recorder = Recorder()
    stack.open().up(recorder)
    return {one for one in recorder.done if not one[1].startswith("pulumi:")}


def acm_says(stack: Rehearsal, status: str | None) -> None:
    """Plays what a person or time does to the certificate."""
    if status is None:
        stack.layout.certificates.unlink()
    else:
        stack.layout.certificates.write_text(json.dumps({DOMAIN: status}))


def ingresses(stack: Rehearsal) -> dict[str, dict[str, Any]]:
    """Each host's Ingress."""
    return {one["spec"]["rules"][0]["host"]: one for one in stack.api().list("networking.k8s.io/v1", "Ingress")}


def addresses(stack: Rehearsal) -> dict[str, str]:
    """Where each host's load balancer is, by the Ingress."""
    return {
        host: one["status"]["loadBalancer"]["ingress"][0]["hostname"]
        for host, one in ingresses(stack).items()
        if one["status"].get("loadBalancer")
    }


def in_route53(stack: Rehearsal) -> dict[str, list[str]]:
    """What each record of Route 53 says."""
    return {one.inputs["name"]: one.inputs["records"] for one in Account.load(stack.layout).records(RECORD)}


def told(stack: Rehearsal) -> dict[str, str]:
    """The records that a person is told to enter."""
    return {record["name"]: record["value"] for record in plain(stack.open())["records"]}


def test_with_a_zone_one_up_makes_the_certificate_the_hosts_and_all_records(stack: Rehearsal) -> None:
    balancers = aws.client(stack.layout, "elbv2", region=REGION).describe_load_balancers()["LoadBalancers"]
    by_class = {one["LoadBalancerName"].split("-")[1]: one["DNSName"] for one in balancers}
    assert addresses(stack) == {host: by_class[name] for host, name in HOSTS.items()}
    there = in_route53(stack)
    assert {host: there[host] for host in HOSTS} == {host: [address] for host, address in addresses(stack).items()}
    assert len(there) == len(HOSTS) + 1  # and the certificate's proof
    assert told(stack) == {}
    assert up(stack) == set()


def test_each_host_is_answered_by_what_its_load_balancer_leads_to(stack: Rehearsal) -> None:
    door = entrance(stack.layout, plain(stack.open())["hosts"])
    if door is None:
        pytest.skip("there is no front door here")

    def asked(url: str) -> tuple[int, str]:
        place = urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", "/", headers={"Host": place.netloc})
            answer = connection.getresponse()
            body = answer.read()
            return answer.status, json.loads(body)["environment"] if answer.status == HTTPStatus.OK else ""

    assert door.problem is None
    for environment in ("prod", "dev"):
        eventually(lambda one=environment: asked(door.hosts[one]) == (200, one), f"{environment} answers")
    assert asked(door.outside["prod"]) == (200, "prod")
    assert asked(door.outside["dev"])[0] == asked(door.outside["logs"])[0] == 403


def test_without_a_zone_a_person_is_told_what_to_enter_and_up_goes_on_when_acm_has_seen_it(stack: Rehearsal) -> None:
    file = stack.layout.workspace / "Pulumi.dev.yaml"
    before = file.read_text()
    content = yaml.safe_load(before)
    content["config"]["hello-platform:dns"] = {"zone": "example.com"}
    file.write_text(yaml.safe_dump(content))
    try:
        # The zone is taken away from a stack that serves: the certificate stays issued, and a person takes over.
        done = up(stack)
        assert {kind.rpartition("::")[0] for _, kind in done} == {
            RECORD,
            "aws:acm/certificateValidation:CertificateValidation",
        }
        assert {operation for operation, _ in done} == {"delete"}
        assert set(told(stack)) > set(HOSTS)
        assert up(stack) == set()

        acm_says(stack, "VALIDATION_TIMED_OUT")
        done = up(stack)
        assert {("create", f"{CERTIFICATE}::hello-dev-2"), ("delete", f"{CERTIFICATE}::hello-dev-1")} <= done
        assert ingresses(stack) == {}
        (proof,) = told(stack)
        assert proof.endswith(f".{DOMAIN}")

        acm_says(stack, None)
        assert up(stack) == set()

        acm_says(stack, "ISSUED")
        done = up(stack)
        assert {one for one in done if one[1].startswith("kubernetes:")} == {
            ("create", f"{INGRESS}::{name}") for name in ("dev", "prod", "logs")
        }
        assert {host: value for host, value in told(stack).items() if host in HOSTS} == addresses(stack)
        assert proof in told(stack)
    finally:
        file.write_text(before)
    up(stack)


def test_ingresses_go_before_their_controller_and_no_load_balancer_stays(stack: Rehearsal) -> None:
    eventually(lambda: set(addresses(stack)) == set(HOSTS), "each host has an address")
    stack.open().unprotect()
    protection.lift(stack.layout)
    recorder = Recorder()
    stack.open().destroy(recorder)
    order = [name for _, name in recorder.done]
    gone = [order.index(f"{INGRESS}::{name}") for name in ("dev", "prod", "logs")]
    assert max(gone) < order.index(CONTROLLER)
    assert order.index(CONTROLLER) < min(place for place, name in enumerate(order) if "aws:eks/nodeGroup" in name)
    assert Account.load(stack.layout).records() == ()
