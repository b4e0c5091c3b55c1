"""The AWS account of a rehearsal: an AWS API on this machine, which any SDK and the AWS CLI can ask.

It is moto's server (https://docs.getmoto.org), with a journal so that it keeps what it has when it is ended.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, cast

import yaml

from rehearsal import ports
from rehearsal.layout import Layout
from rehearsal.processes import Program, of_module

NAME = "aws"

ENDPOINT = "aws-endpoint"
"""Name of the program that pods call."""

HEALTH = "/healthz"
"""Answered with 200 once the account has what it had before."""

ACCOUNT_ID = "123456789012"
"""Whose account it is where no stack says so: nobody's, the number in AWS's own documentation examples."""

REGION = "us-east-1"
"""Where a control plane is that no stack was brought up on."""

ADMINISTRATOR = {"AWS_ACCESS_KEY_ID": "AKIAREHEARSALADMIN00", "AWS_SECRET_ACCESS_KEY": "rehearsal"}
"""Variables with the credentials that may do everything."""


def program(layout: Layout, namespace: int | None) -> Program:
    """The program that serves it, for as long as the control plane runs.

    Args:
        layout: The rehearsal.
        namespace: Id of the process in whose network namespace the control plane runs, or None.
    """
    return of_module(layout, NAME, "rehearsal.aws", namespace=namespace, variables=settings(account_id(layout)))


def endpoint(layout: Layout, namespace: int) -> Program:
    """The program that is AWS as pods find it.

    Args:
        layout: The rehearsal.
        namespace: Id of the process in whose network namespace the control plane runs.
    """
    return of_module(layout, ENDPOINT, "rehearsal.aws.endpoint", namespace=namespace)


def settings(account: str = ACCOUNT_ID) -> dict[str, str]:
    """Variables that moto reads when it is imported: https://docs.getmoto.org/en/latest/docs/configuration/ ."""
    never = str(10**9)
    return {
        "MOTO_ACCOUNT_ID": account,
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        # moto takes addresses out of sets.
        "PYTHONHASHSEED": "0",
        # A certificate is issued when its proof is in DNS, and not by waiting.
        "MOTO_ACM_VALIDATION_WAIT": never,
    }


def account_id(layout: Layout) -> str:
    """The account that the stack names, 12 digits."""
    return str(_configuration(layout).get("hello-platform:accountId", ACCOUNT_ID))


def region(layout: Layout) -> str:
    """The stack's region; one of AWS's where no stack says so."""
    return str(_configuration(layout).get("hello-platform:region", REGION))


def url(layout: Layout) -> str:
    """Where the API is, from this machine and from within the rehearsal's network.

    Raises:
        FileNotFoundError: The rehearsal's control plane was never started.
    """
    named = json.loads((layout.control_plane / "ports.json").read_text())
    return f"http://{ports.LOOPBACK}:{named['aws']}"


def client(layout: Layout, service: str, *, region: str) -> Any:
    """A boto3 client on the account, as its administrator.

    Args:
        layout: The rehearsal; its control plane was started.
        service: As boto3 names it, e.g. `elbv2`.
        region: AWS region. The account is one, its resources differ by region as on AWS.
    """
    return _client(url(layout), service, region)


def environment(layout: Layout, *, region: str) -> dict[str, str]:
    """Variables with which the AWS CLI and SDKs use the account."""
    return {**ADMINISTRATOR, "AWS_ENDPOINT_URL": url(layout), "AWS_REGION": region, "AWS_DEFAULT_REGION": region}


def _configuration(layout: Layout) -> dict[str, Any]:
    """What the stack's file says; nothing where there is none."""
    (stack,) = layout.workspace.glob("Pulumi.*.yaml") if layout.workspace.exists() else (None,)
    return {} if stack is None else yaml.safe_load(stack.read_text())["config"]


@lru_cache(maxsize=64)
def _client(endpoint: str, service: str, region: str) -> Any:
    """Clients are safe to share among threads, and slow to make."""
    # Slow to import, and not needed by every command.
    import boto3  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]
    from botocore.config import Config  # noqa: PLC0415 - likewise  # pyright: ignore[reportMissingTypeStubs]

    return (
        cast("Any", boto3)
        .session.Session()
        .client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id=ADMINISTRATOR["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ADMINISTRATOR["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"mode": "standard", "total_max_attempts": 4}, max_pool_connections=32),
        )
    )
