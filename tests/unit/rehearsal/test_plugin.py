"""A plugin process starts as the engine expects, never outlives the engine, and ends on any signal."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import psutil

from rehearsal.layout import CHECKOUT

SERVE = """
from rehearsal.plugin import serve
serve(lambda server: None)
"""
ENGINE = """
import subprocess, sys
provider = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
provider.stdout.readline()
print(provider.pid, flush=True)
"""
AT_WORK = """
import threading, time
from rehearsal import plugin

plugin.GRACE_SECONDS = 0
lock = threading.Lock()

def step():
    with lock:
        print("began", flush=True)
        time.sleep(1)
        print("recorded", flush=True)
    time.sleep(1)
    with lock:
        print("another", flush=True)

threading.Thread(target=step).start()
plugin.serve(lambda server: None, uncut=lambda: lock)
"""
PROGRAM = """
import os, signal, threading
from rehearsal import plugin

plugin._POLL_SECONDS = 0
for _ in range(200):
    end = plugin.EndOfEngine()
    threading.Timer(0.002, os.kill, (os.getpid(), signal.SIGTERM)).start()
    end.wait()
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


def test_a_step_under_its_lock_is_not_cut_in_half() -> None:
    with subprocess.Popen([sys.executable, "-c", AT_WORK], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as provider:
        assert provider.stdout is not None
        assert {provider.stdout.readline() for _ in range(2)} > {"began\n"}
        provider.terminate()
        assert provider.communicate(timeout=20)[0] == "recorded\n"


def test_it_ends_when_the_engine_is_gone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENGINE, SERVE], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True
    )
    provider, end = int(done.stdout), time.monotonic() + 20
    while psutil.pid_exists(provider) and time.monotonic() < end:
        time.sleep(0.1)
    assert not psutil.pid_exists(provider)


def test_a_signal_ends_it_at_whatever_moment_it_comes() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], timeout=60, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
