"""Serves a stand-in provider to the engine that started it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

PARALLEL_REQUESTS = 128
"""Requests answered at once; the engine sends up to its `--parallel`. Threads are made as needed, and one that waits
for a resource keeps its thread."""

MAX_MESSAGE_BYTES = 400 * 1024 * 1024
"""The engine's own limit; gRPC's default of 4 MiB is less than a large Kubernetes object's properties.

https://github.com/pulumi/pulumi/blob/master/sdk/go/common/util/rpcutil/serve.go
"""

SECONDS_BETWEEN_LOOKS_AT_THE_PARENT = 1.0
GRACE_SECONDS = 2.0
"""How long requests under way may still take once the server was told to end."""


def serve(
    servicer: provider_pb2_grpc.ResourceProviderServicer, *, before_end: Callable[[], None] = lambda: None
) -> None:
    """Serves until the engine ends, or asks for the end with SIGTERM or SIGINT; then ends the process.

    Prints the port on standard output, as the engine expects of a plugin. To be called from the main thread by the
    very process the engine started (`exec`): the parent's end is the engine's.

    Args:
        servicer: Answers the engine.
        before_end: Called first when it is time to end, e.g. to let requests under way give up waiting and answer.
    """
    parent = os.getppid()
    told_to_end = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        told_to_end.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)

    server = grpc.server(
        ThreadPoolExecutor(PARALLEL_REQUESTS),
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)  # pyright: ignore[reportUnknownMemberType]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)

    while os.getppid() == parent and not told_to_end.wait(SECONDS_BETWEEN_LOOKS_AT_THE_PARENT):
        pass
    before_end()
    server.stop(GRACE_SECONDS).wait()
    sys.stderr.flush()
    # Threads that still wait for something (a slow API server, a told delay) must not keep the process: the
    # interpreter's own exit would join them.
    os._exit(0)
