"""Requests to AWS, which fail before the lock of a release expires."""

from __future__ import annotations

from pathlib import Path

import pipelines
import release
from release import aws
from release.lock import LEASE_SECONDS

LONGEST_BACKOFF = 2
"""Seconds before the second and the third try together, in botocore's standard mode: 0 to 1, then 0 to 2."""


def test_no_request_outlasts_the_lock() -> None:
    config = aws.client("elbv2", "eu-west-1").meta.config
    tries = config.retries["total_max_attempts"]
    assert tries * (config.connect_timeout + config.read_timeout) + (tries - 1) * LONGEST_BACKOFF < LEASE_SECONDS


def test_nothing_else_makes_clients() -> None:
    sources = [file for one in (pipelines, release) for file in Path(one.__path__[0]).rglob("*.py")]
    assert [one.name for one in sources if "import boto3" in one.read_text(encoding="utf-8")] == ["aws.py"]
