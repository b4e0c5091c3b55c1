"""`pulumi-resource-eks`: constructs components for the engine that starts it."""

import asyncio
import os
import sys

import grpc
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2_grpc

from rehearsal.layout import Layout
from rehearsal.plugin import EndOfEngine
from rehearsal.stand_ins.eks.provider import EksProvider
from rehearsal.stand_ins.server import MAX_MESSAGE_BYTES


async def serve(engine_address: str) -> None:
    """Serves until the engine ends, or asks for the end. Components are made of coroutines, hence a server of those."""
    end = EndOfEngine()
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ]
    )
    servicer = ProviderServicer(EksProvider(Layout.of_environment()), [], engine_address)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(end.wait)
    sys.stderr.flush()
    # Calls to an engine that is gone would keep the loop.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
