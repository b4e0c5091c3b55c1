"""Pulumi language host for Python; an engine that was built from its Go module has none of its own.

It is the Python SDK's server of inline programs, with the `__main__.py` of a folder as its program.

https://github.com/pulumi/pulumi/blob/v3.260.0/proto/pulumi/language.proto
"""

from __future__ import annotations

import gc
import os
import runpy
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from google.protobuf import empty_pb2
from pulumi import log
from pulumi.automation._server import LanguageServer  # the SDK has no public name for it
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from rehearsal.plugin import serve


class LanguageHost(LanguageServer):
    """Runs the program in the folder of each request."""

    def __init__(self) -> None:
        super().__init__(self._run_program)
        self._folder = Path()
        self._engine = next(iter(sys.argv[1:]), "")

    def _run_program(self) -> None:
        runpy.run_path(str(self._folder / "__main__.py"), run_name="__main__")

    def Handshake(self, request: Any, context: Any) -> Any:
        """Takes the engine's address: one that attaches has another for its second look than for its first."""
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def Run(self, request: Any, context: Any) -> Any:
        """Runs the program once, for a preview or an update."""
        self._folder = Path(request.info.program_directory or request.pwd)
        os.chdir(self._folder)
        if str(self._folder) not in sys.path:
            sys.path.insert(0, str(self._folder))
        # The engine's address, to which the program logs: the first argument of an inline program, as of a plugin.
        request.args[:] = [self._engine]
        response = cast("Any", super()).Run(request, context)
        # The SDK has told an error already; with it in the response, the engine would tell it once more.
        return language_pb2.RunResponse(bail=True) if response.error else response

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """The SDK's version."""
        return plugin_pb2.PluginInfo(version=version("pulumi"))

    def InstallDependencies(self, request: Any, context: Any) -> Any:
        """Does nothing: this process's environment has the dependencies."""
        return iter(())

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:
        """Returns no prompts."""
        return language_pb2.RuntimeOptionsResponse()

    def Cancel(self, request: Any, context: Any) -> Any:
        """Does nothing: this process ends with the engine."""
        return empty_pb2.Empty()


def spare_cpu() -> None:
    """Collects no garbage, and sends the engine none of the SDK's debug messages: five requests for each resource.

    The engine does not say whether it would show them (`pulumi up --debug`).
    """
    gc.disable()
    log.debug = _send_nothing


def _send_nothing(*_: object, **__: object) -> None:
    pass


if __name__ == "__main__":
    spare_cpu()
    serve(partial(language_pb2_grpc.add_LanguageRuntimeServicer_to_server, LanguageHost()))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
