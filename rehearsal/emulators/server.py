"""Serves a stand-in provider to the engine that started it."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from rehearsal.plugin import EndOfEngine

PARALLEL_REQUESTS = 128
"""Requests answered at once; the engine sends up to its `--parallel`. Threads are made as needed, and one that waits
for a resource keeps its thread."""

_MAX_MESSAGE_BYTES = 400 * 1024 * 1024
OPTIONS = [(f"grpc.max_{direction}_message_length", _MAX_MESSAGE_BYTES) for direction in ("receive", "send")]
"""The engine's own limit; gRPC's default of 4 MiB is less than a large Kubernetes object's properties.

https://github.com/pulumi/pulumi/blob/master/sdk/go/common/util/rpcutil/serve.go
"""

GRACE_SECONDS = 2.0
"""How long requests under way may still take once the server was told to end."""


def serve(servicer: provider_pb2_grpc.ResourceProviderServicer) -> None:
    """Serves until the engine ends, or asks for the end with SIGTERM or SIGINT; then ends the process.

    Prints the port on standard output, as the engine expects of a plugin. To be called from the main thread by the
    very process the engine started (`exec`): the parent's end is the engine's.

    Args:
        servicer: Answers the engine.
    """
    end = EndOfEngine()
    server = grpc.server(ThreadPoolExecutor(PARALLEL_REQUESTS), options=OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)  # pyright: ignore[reportUnknownMemberType]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)

    end.wait()
    server.stop(GRACE_SECONDS).wait()
    sys.stderr.flush()
    # Threads that still wait for something (a slow API server, a told delay) must not keep the process: the
    # interpreter's own exit would join them.
    os._exit(0)
