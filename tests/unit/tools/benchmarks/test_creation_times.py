"""Creates take their share of AWS's times."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from rehearsal.emulators.aws.kinds import KINDS
from rehearsal.emulators.aws.provider import AwsProvider
from rehearsal.layout import Layout
from tools.benchmarks import creation_times
from tools.benchmarks.creation_times import TimedProvider

CLUSTER = "aws:eks/cluster:Cluster"


def slept(monkeypatch: pytest.MonkeyPatch, folder: Path, type_token: str, *, preview: bool = False) -> list[float]:
    naps: list[float] = []

    def create(_provider: AwsProvider, _request: Any, _context: grpc.ServicerContext) -> None: ...

    monkeypatch.setattr(AwsProvider, "Create", create)
    monkeypatch.setattr(time, "sleep", naps.append)
    request = provider_pb2.CreateRequest(urn=f"urn:pulumi:test::bench::{type_token}::it", preview=preview)
    TimedProvider(Layout(folder)).Create(request, cast("grpc.ServicerContext", None))
    return naps


def test_a_create_takes_its_share_of_the_time_on_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(creation_times.SCALE_VARIABLE, "0.01")
    assert slept(monkeypatch, tmp_path, CLUSTER) == [pytest.approx(5.4)]
    assert slept(monkeypatch, tmp_path, "aws:ecr/repository:Repository") == [0.01]
    assert slept(monkeypatch, tmp_path, CLUSTER, preview=True) == []


def test_every_type_in_the_table_is_one_that_the_emulator_has() -> None:
    assert creation_times.SECONDS.keys() <= KINDS.keys()
