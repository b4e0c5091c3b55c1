"""A plugin process ends on a signal, whenever it comes."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, signal, threading
from rehearsal import plugin

plugin._POLL_SECONDS = 0
for _ in range(200):
    end = plugin.EndOfEngine()
    threading.Timer(0.002, os.kill, (os.getpid(), signal.SIGTERM)).start()
    end.wait()
"""


def test_a_signal_ends_it_at_whatever_moment_it_comes() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], timeout=60, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
