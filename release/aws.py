"""Clients of AWS's APIs, for the release tool and the pipelines. None of their requests outlasts a release's lock."""

from __future__ import annotations

from typing import Any, cast

CONNECT_SECONDS, READ_SECONDS, TRIES = 5, 10, 3
"""Of a request: what fails, or is throttled, is tried again: at most 48 seconds with the pauses between the tries.

By default botocore waits for 60 seconds, five times.
"""


def client(service: str, region: str) -> Any:
    """A boto3 client of a service, by AWS's name, with the ambient credentials.

    Each has a session of its own: threads may not share one.
    https://docs.aws.amazon.com/boto3/latest/guide/session.html#multithreading-or-multiprocessing-with-sessions
    """
    import boto3  # noqa: PLC0415 - slow to import  # pyright: ignore[reportMissingTypeStubs]
    from botocore.config import Config  # noqa: PLC0415 - likewise  # pyright: ignore[reportMissingTypeStubs]

    settings = Config(
        retries={"mode": "standard", "total_max_attempts": TRIES},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
    )
    return cast("Any", boto3).session.Session().client(service, region_name=region, config=settings)


def errors() -> tuple[type[Exception], ...]:
    """What a request raises that failed: AWS refused, or did not answer."""
    from botocore.exceptions import (  # noqa: PLC0415 - slow to import  # pyright: ignore[reportMissingTypeStubs]
        BotoCoreError,
        ClientError,
    )

    return BotoCoreError, ClientError


def code(error: Exception) -> str:
    """An error's code at AWS; empty without one, as where no answer came: `response` is None then."""
    response: Any = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
