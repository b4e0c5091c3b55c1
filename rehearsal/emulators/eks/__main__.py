"""`pulumi-resource-eks`: the plugin process of the emulator."""

import asyncio
import os
import sys
from typing import Any

import grpc
import pulumi
from google.protobuf import empty_pb2
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2_grpc

from rehearsal.emulators.eks.components import Cluster, ManagedNodeGroup
from rehearsal.layout import Layout
from rehearsal.plugin import OPTIONS, EndOfEngine

VERSION = "4.4.0"
"""The emulated version of pulumi-eks."""


class EksProvider(Provider):
    """Constructs the components of pulumi-eks that this project uses."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(VERSION, schema="{}")
        self._layout = layout

    def construct(
        self, name: str, resource_type: str, inputs: Any, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        """Registers a component and its children.

        Raises:
            ValueError: The emulator has no such component.
            pulumi.InputPropertyError: The emulator does not support the value of an argument.
            pulumi.InputPropertiesError: The emulator does not have some of the arguments.
        """
        if resource_type == "eks:index:Cluster":
            component = Cluster(name, inputs, self._layout, options)
        elif resource_type == "eks:index:ManagedNodeGroup":
            component = ManagedNodeGroup(name, inputs, options)
        else:
            raise ValueError(
                f"the eks emulator has no component {resource_type}.\n"
                f"  What to do: add it to rehearsal/emulators/eks/, with the children that the real one registers."
            )
        return ConstructResult(component.urn, component.state)


class EksServicer(ProviderServicer):
    """The provider, for an engine that started this process or attaches to it."""

    async def Attach(self, request: Any, context: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Takes the engine's address."""
        self.engine_address = request.address
        return empty_pb2.Empty()


async def serve(engine_address: str) -> None:
    """Serves until the engine exits or sends SIGTERM or SIGINT, on asyncio as Pulumi's components require."""
    end = EndOfEngine()
    server = grpc.aio.server(options=OPTIONS)
    servicer = EksServicer(EksProvider(Layout.of_environment()), [], engine_address)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(end.wait)
    sys.stderr.flush()
    # Pending calls to an engine that has exited would block the loop.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(serve(next(iter(sys.argv[1:]), "")))
