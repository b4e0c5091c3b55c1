"""A stand-in's process: it starts as the engine expects, and never outlives the engine."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import psutil

from rehearsal.layout import CHECKOUT

SERVE = """
import sys
from pulumi.runtime.proto import provider_pb2_grpc
from rehearsal.emulators.server import serve
serve(provider_pb2_grpc.ResourceProviderServicer())
"""
ENGINE = """
import subprocess, sys
provider = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
provider.stdout.readline()
print(provider.pid, flush=True)
"""


def test_it_prints_its_port_and_ends_quietly_when_told_to() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with subprocess.Popen(
            [sys.executable, "-c", SERVE], cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as provider:
            assert provider.stdout is not None
            assert int(provider.stdout.readline()) > 0
            provider.send_signal(number)
            output, errors = provider.communicate(timeout=20)
            assert (output, errors, provider.returncode) == ("", "", 0)


def test_it_ends_when_the_engine_is_gone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENGINE, SERVE], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True
    )
    provider, end = int(done.stdout), time.monotonic() + 20
    while psutil.pid_exists(provider) and time.monotonic() < end:
        time.sleep(0.1)
    assert not psutil.pid_exists(provider)
