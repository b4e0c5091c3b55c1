"""The gRPC server of an emulator, started by Pulumi's engine."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from rehearsal.plugin import EndOfEngine

PARALLEL_REQUESTS = 128
"""Maximum of concurrent requests; the engine sends up to its `--parallel`. Each occupies a thread while it waits."""

_MAX_MESSAGE_BYTES = 400 * 1024 * 1024
OPTIONS = [(f"grpc.max_{direction}_message_length", _MAX_MESSAGE_BYTES) for direction in ("receive", "send")]
"""Message size limit, the same as the engine's: large Kubernetes objects exceed gRPC's default of 4 MiB.

https://github.com/pulumi/pulumi/blob/master/sdk/go/common/util/rpcutil/serve.go
"""

GRACE_SECONDS = 2.0
"""Grace period of requests in flight when the server shuts down."""


def serve(servicer: provider_pb2_grpc.ResourceProviderServicer) -> None:
    """Serves until the engine exits or sends SIGTERM or SIGINT; then exits the process.

    Prints the port on standard output, as the engine expects of a plugin. To be called from the main thread of the
    process that the engine started (`exec`), since the exit of the parent process is taken for the engine's.

    Args:
        servicer: The provider.
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
    # The interpreter's normal exit would join threads that still wait, e.g. for a slow API server or an injected delay.
    os._exit(0)
