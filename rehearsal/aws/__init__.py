"""The AWS account of a rehearsal: an AWS API on this machine, for any SDK and the AWS CLI.

It is moto's server (https://docs.getmoto.org), with a journal that preserves its resources across restarts.
"""

from __future__ import annotations

import json
import re
import threading
from functools import cache, lru_cache
from typing import Any, cast

import yaml

from rehearsal import ports
from rehearsal.layout import Layout

HEALTH = "/healthz"
"""Path of the health check: 200 once the journal has been replayed."""

DELETION_PROTECTION = "deletion_protection.enabled"
"""Attribute of a load balancer."""

ACCOUNT_ID = "123456789012"
"""Account id where the stack names none: the one in the examples of AWS's documentation."""

REGION = "us-east-1"
"""Region where the stack names none."""

ADMINISTRATOR = {"AWS_ACCESS_KEY_ID": "AKIAREHEARSALADMIN00", "AWS_SECRET_ACCESS_KEY": "rehearsal"}
"""Environment variables with the administrator's credentials, which are allowed everything."""

_CREATING = threading.Lock()


def settings(account: str = ACCOUNT_ID) -> dict[str, str]:
    """Environment variables that moto reads on import: https://docs.getmoto.org/en/latest/docs/configuration/ ."""
    never = str(10**9)
    return {
        "MOTO_ACCOUNT_ID": account,
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        # moto picks IP addresses from sets: their order has to be the same in each process.
        "PYTHONHASHSEED": "0",
        # A certificate is issued once its validation record is in DNS, not after a while.
        "MOTO_ACM_VALIDATION_WAIT": never,
    }


def account_id(layout: Layout) -> str:
    """The stack's account id, 12 digits; `ACCOUNT_ID` where it names none."""
    return str(_configuration(layout).get("hello-platform:accountId", ACCOUNT_ID))


def region(layout: Layout) -> str:
    """The stack's region; `REGION` where it names none."""
    return str(_configuration(layout).get("hello-platform:region", REGION))


def region_of(zone: str) -> str:
    """The region of an availability zone: `us-west-2` of `us-west-2a`, and of the local zone `us-west-2-lax-1a`."""
    return re.split(r"(?<=\d)", zone, maxsplit=1)[0]


def url(layout: Layout) -> str:
    """URL of the API, on this machine and in the rehearsal's network.

    Raises:
        FileNotFoundError: The rehearsal's control plane was never started.
    """
    port = json.loads((layout.control_plane / "ports.json").read_text())["aws"]
    return f"http://{ports.LOOPBACK}:{port}"


def client(layout: Layout, service: str, *, region: str) -> Any:
    """A boto3 client of the account, as its administrator; `service` is boto3's name, e.g. `elbv2`.

    Raises:
        FileNotFoundError: The rehearsal's control plane was never started.
    """
    return _client(url(layout), service, region)


def environment(layout: Layout, *, region: str) -> dict[str, str]:
    """Environment variables with which the AWS CLI and SDKs use the account."""
    return {**ADMINISTRATOR, "AWS_ENDPOINT_URL": url(layout), "AWS_REGION": region, "AWS_DEFAULT_REGION": region}


def _configuration(layout: Layout) -> dict[str, Any]:
    """The stack file's configuration; empty where there is no stack."""
    (stack,) = layout.workspace.glob("Pulumi.*.yaml") if layout.workspace.exists() else (None,)
    return {} if stack is None else yaml.safe_load(stack.read_text())["config"]


@lru_cache(maxsize=64)
def _client(endpoint: str, service: str, region: str) -> Any:
    """A cached client: clients are thread-safe, unlike sessions, and slow to create."""
    from botocore.config import Config  # noqa: PLC0415 - slow to import  # pyright: ignore[reportMissingTypeStubs]

    config = Config(retries={"mode": "standard", "total_max_attempts": 4}, max_pool_connections=32)
    with _CREATING:
        return _session().client(service, region_name=region, endpoint_url=endpoint, config=config)


@cache
def _session() -> Any:
    """The session of all clients: what it has read from botocore's files is two thirds of a client's creation."""
    # Slow to import, and not needed by every command.
    import boto3  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

    return cast("Any", boto3).session.Session(
        ADMINISTRATOR["AWS_ACCESS_KEY_ID"], ADMINISTRATOR["AWS_SECRET_ACCESS_KEY"]
    )
