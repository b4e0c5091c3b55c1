"""Hosts by the real engine: with a zone in one run, without one after a person has entered the records."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from rehearsal import aws
from rehearsal.emulators.aws.account import Account
from rehearsal.front_door.running import entrance
from rehearsal.lifecycle import Rehearsal
from tests.rehearsal.conftest import eventually
from tests.rehearsal.stacks import ONE_STACK, asked, run_up

DOMAIN = "dev.hello.example.com"
REGION = "ap-northeast-2"
HOSTS = {DOMAIN: "public", **{f"{name}.{DOMAIN}": "staff" for name in ("test", "log", "releases")}}
CERTIFICATE = "aws:acm/certificate:Certificate"
RECORD = "aws:route53/record:Record"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"

pytestmark = ONE_STACK


def up(platform: Rehearsal) -> set[tuple[str, str]]:
    """The operations of one more `up`, each with its resource."""
    done = {(operation, name) for name, operation in run_up(platform).items() if operation != "read"}
    return {one for one in done if not one[1].startswith("pulumi:")}


def acm_says(platform: Rehearsal, status: str | None) -> None:
    """Plays what a person or time does to the certificate."""
    if status is None:
        platform.layout.certificates.unlink()
    else:
        platform.layout.certificates.write_text(json.dumps({DOMAIN: status}))


def ingresses(platform: Rehearsal) -> dict[str, dict[str, Any]]:
    """Each host's Ingress."""
    return {one["spec"]["rules"][0]["host"]: one for one in platform.api().list("networking.k8s.io/v1", "Ingress")}


def addresses(platform: Rehearsal) -> dict[str, str]:
    """Where each host's load balancer is, by the Ingress."""
    return {
        host: one["status"]["loadBalancer"]["ingress"][0]["hostname"]
        for host, one in ingresses(platform).items()
        if one["status"].get("loadBalancer")
    }


def in_route53(platform: Rehearsal) -> dict[str, list[str]]:
    """What each record of Route 53 says, an alias or a value."""
    inputs = [one.inputs for one in Account.load(platform.layout).records(RECORD)]
    return {one["name"]: one.get("records") or [alias["name"] for alias in one["aliases"]] for one in inputs}


def told(platform: Rehearsal) -> dict[str, str]:
    """The records that a person is told to enter."""
    return {record["name"]: record["value"] for record in platform.outputs()["records"]}


def test_with_a_zone_one_up_makes_the_certificate_the_hosts_and_all_records(platform: Rehearsal) -> None:
    balancers = aws.client(platform.layout, "elbv2", region=REGION).describe_load_balancers()["LoadBalancers"]
    by_class = {one["LoadBalancerName"].split("-")[1]: one["DNSName"] for one in balancers}
    assert addresses(platform) == {host: by_class[name] for host, name in HOSTS.items()}
    there = in_route53(platform)
    assert {host: there[host] for host in HOSTS} == {host: [address] for host, address in addresses(platform).items()}
    assert len(there) == len(HOSTS) + 1  # and the certificate's proof
    assert told(platform) == {}


def test_each_host_is_answered_by_what_its_load_balancer_leads_to(platform: Rehearsal) -> None:
    door = entrance(platform.layout, platform.outputs()["hosts"])
    if door is None:
        pytest.skip("there is no front door here")

    assert door.problem is None
    for environment in ("prod", "dev"):
        eventually(lambda one=environment: asked(door.hosts[one]) == (200, one), f"{environment} answers")
    assert asked(door.outside["prod"]) == (200, "prod")
    assert asked(door.outside["dev"])[0] == asked(door.outside["logs"])[0] == 403


def test_without_a_zone_a_person_is_told_what_to_enter_and_up_goes_on_when_acm_has_seen_it(platform: Rehearsal) -> None:
    """The stack then stays without a zone: to give it back takes one more `up`, and no later test needs it."""
    file = platform.layout.workspace / "Pulumi.dev.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"]["hello-platform:dns"] = {"zone": "example.com"}
    file.write_text(yaml.safe_dump(content))

    # The zone is taken away from a stack that serves: the certificate stays issued, and a person takes over.
    done = up(platform)
    assert {kind.rpartition("::")[0] for _, kind in done} == {
        RECORD,
        "aws:acm/certificateValidation:CertificateValidation",
    }
    assert {operation for operation, _ in done} == {"delete"}
    assert set(told(platform)) > set(HOSTS)

    acm_says(platform, "VALIDATION_TIMED_OUT")
    done = up(platform)
    assert {("create", f"{CERTIFICATE}::hello-dev-2"), ("delete", f"{CERTIFICATE}::hello-dev-1")} <= done
    assert ingresses(platform) == {}
    (proof,) = told(platform)
    assert proof.endswith(f".{DOMAIN}")

    acm_says(platform, None)
    assert up(platform) == set()

    acm_says(platform, "ISSUED")
    done = up(platform)
    assert {one for one in done if one[1].startswith("kubernetes:")} == {
        ("create", f"{INGRESS}::{name}") for name in ("dev", "prod", "logs", "releases")
    }
    assert {host: value for host, value in told(platform).items() if host in HOSTS} == addresses(platform)
    assert proof in told(platform)
