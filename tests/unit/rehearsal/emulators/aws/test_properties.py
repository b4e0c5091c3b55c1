"""Properties are what the SDK makes of them, without the SDK."""

from __future__ import annotations

import subprocess
import sys

from pulumi.runtime import rpc

from rehearsal.emulators.aws import properties
from rehearsal.layout import CHECKOUT


def test_the_unknown_value_is_the_sdks() -> None:
    assert properties.UNKNOWN == rpc.UNKNOWN


def test_what_runs_beside_a_cluster_starts_without_the_sdk_and_the_configuration() -> None:
    programs = "rehearsal.kubelet.__main__, rehearsal.aws.endpoint, rehearsal.emulators.volumes"
    heavy = "{'pulumi', 'config', 'grpc'} & set(sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {programs}; print({heavy})"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"
