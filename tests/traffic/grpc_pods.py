"""A gRPC server that stands in for a pod: `python -m tests.traffic.grpc_pods NAME ADDRESS` prints its port.

It has a process of its own: in that of the tests, which starts and ends several, gRPC's core aborted once.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc


class Pods(grpc.GenericRpcHandler):
    """The gRPC service hello.Pods: `Name` says the pod's name, `Watch` says it ten times a second, without an end."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()

    def service(self, handler_call_details: Any) -> Any:
        """The handler of a method; None for an unknown one, which gRPC answers with UNIMPLEMENTED."""
        match handler_call_details.method:
            case "/hello.Pods/Name":
                return grpc.unary_unary_rpc_method_handler(self._say)  # pyright: ignore[reportUnknownVariableType]
            case "/hello.Pods/Watch":
                return grpc.unary_stream_rpc_method_handler(self._watch)  # pyright: ignore[reportUnknownVariableType]
            case _:
                return None

    def _say(self, _request: bytes, _context: Any) -> bytes:
        return self._name

    def _watch(self, _request: bytes, context: Any) -> Iterator[bytes]:
        while context.is_active():
            yield self._name
            time.sleep(0.1)


def main(name: str, address: str) -> None:
    """Serves until standard input ends."""
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers([Pods(name)])
    port = server.add_insecure_port(f"{address}:0")
    server.start()
    print(port, flush=True)  # noqa: T201 - for who started it
    sys.stdin.read()
    os._exit(0)  # without the streams that are under way


if __name__ == "__main__":
    main(*sys.argv[1:])
