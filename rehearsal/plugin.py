"""The process of a Pulumi plugin: a gRPC server that ends with the engine, or the command, that started it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from types import FrameType

import grpc

_POLL_SECONDS = 0.1

PARALLEL_REQUESTS = 128
"""Maximum of concurrent requests; the engine sends up to its `--parallel`. Each occupies a thread while it waits."""

_MAX_MESSAGE_BYTES = 400 * 1024 * 1024
OPTIONS = [(f"grpc.max_{direction}_message_length", _MAX_MESSAGE_BYTES) for direction in ("receive", "send")]
"""Message size limit, the same as the engine's: large Kubernetes objects exceed gRPC's default of 4 MiB.

https://github.com/pulumi/pulumi/blob/master/sdk/go/common/util/rpcutil/serve.go
"""

GRACE_SECONDS = 2.0
"""Grace period of requests in flight when the server shuts down."""


class EndOfEngine:
    """Signal to end: the engine is gone, or has sent SIGTERM or SIGINT; or the command whose engine attaches.

    Must be created in the main thread of the process that one of them started, and whose parent it is.
    """

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._signalled = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def wait(self) -> None:
        """Returns when this process has to end."""
        while os.getppid() == self._parent and not self._signalled:
            time.sleep(_POLL_SECONDS)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        # No `threading.Event`: the handler interrupts the main thread, which may hold the event's lock.
        self._signalled = True


def serve(
    add_servicer: Callable[[grpc.Server], None], uncut: Callable[[], AbstractContextManager[object]] = nullcontext
) -> None:
    """Serves until the engine exits or sends SIGTERM or SIGINT; then exits the process.

    A request that still runs at the end of `GRACE_SECONDS` is cut off, but not within the lock that `uncut` takes.

    Prints the port on standard output, as the engine expects of a plugin. To be called from the main thread of the
    process that the engine started (`exec`), since the exit of the parent process is taken for the engine's.
    """
    end = EndOfEngine()
    server = grpc.server(ThreadPoolExecutor(PARALLEL_REQUESTS), options=OPTIONS)
    add_servicer(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    end.wait()
    server.stop(GRACE_SECONDS).wait()
    sys.stderr.flush()
    # The interpreter's normal exit would join threads that still wait, e.g. for a slow API server or the engine.
    with uncut():
        os._exit(0)
