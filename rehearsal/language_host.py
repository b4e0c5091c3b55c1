"""Runs `__main__.py` for the plain `pulumi` command line where no language host is installed.

The official command line ships one; the engine that a rehearsal builds from its Go module does not. This one is the
Python SDK's own server of inline programs, given a program that lies in a folder.

https://github.com/pulumi/pulumi/blob/v3.260.0/proto/pulumi/language.proto
"""

from __future__ import annotations

import os
import runpy
import sys
from concurrent import futures
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import grpc
from google.protobuf import empty_pb2
from pulumi.automation._server import LanguageServer  # the SDK has no public name for it
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from rehearsal.plugin import EndOfEngine


class LanguageHost(LanguageServer):
    """The program in the folder that the engine names, run anew for each request."""

    def __init__(self) -> None:
        super().__init__(self._run_program)
        self._folder = Path()

    def _run_program(self) -> None:
        runpy.run_path(str(self._folder / "__main__.py"), run_name="__main__")

    def Handshake(self, request: Any, context: Any) -> Any:
        """Agrees to whatever the engine offers."""
        return language_pb2.LanguageHandshakeResponse()

    def Run(self, request: Any, context: Any) -> Any:
        """Runs the program once: a preview or an update."""
        self._folder = Path(request.info.program_directory or request.pwd)
        os.chdir(self._folder)
        if str(self._folder) not in sys.path:
            sys.path.insert(0, str(self._folder))
        return cast("Any", super()).Run(request, context)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """The SDK's version."""
        return plugin_pb2.PluginInfo(version=version("pulumi"))

    def InstallDependencies(self, request: Any, context: Any) -> Any:
        """Nothing to do: this host runs in the environment that has them."""
        return iter(())

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:
        """No questions."""
        return language_pb2.RuntimeOptionsResponse()

    def Cancel(self, request: Any, context: Any) -> Any:
        """The engine ends; so will this process."""
        return empty_pb2.Empty()


def main() -> None:
    """Serves until the engine that started this process is gone, or says so."""
    end = EndOfEngine()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(), server)  # pyright: ignore[reportUnknownMemberType]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    end.wait()
    # A program in the middle of a run waits for an engine that is gone: it must not keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
