"""What the engine asks of the provider itself, before and beside its resources."""

from __future__ import annotations

import threading
from importlib.metadata import version

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.kubernetes import decoding_yaml
from rehearsal.stand_ins.kubernetes.configuration import configuration_difference
from rehearsal.stand_ins.kubernetes.engine_log import EngineLog
from rehearsal.stand_ins.kubernetes.properties import decode, encode, revealed
from rehearsal.stand_ins.kubernetes.responses import changes, only_in_the_real_one, telling
from rehearsal.stand_ins.kubernetes.session import Session


class ProviderService(provider_pb2_grpc.ResourceProviderServicer):
    """Configuration, functions and the end of the provider.

    Args:
        log: Where a person sees what is waited for.
    """

    def __init__(self, log: EngineLog) -> None:
        self.log = log
        self._stopped = threading.Event()
        self._session: Session | None = None

    def stop(self) -> None:
        """Ends all waits."""
        self._stopped.set()

    @property
    def session(self) -> Session:
        """What `Configure` made.

        Raises:
            RehearsalError: It was not called.
        """
        if self._session is None:
            raise RehearsalError(
                "the kubernetes provider was used before it was configured",
                remedy="Run again; if it happens again, the engine's version does not fit (see rehearsal/toolchain).",
            )
        return self._session

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Learns the engine's address."""
        self.log = EngineLog(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """Says the version of the provider it stands in for: that of the installed SDK."""
        return plugin_pb2.PluginInfo(version=version("pulumi-kubernetes"))

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Ends all waits: what was made is reported as made."""
        self.stop()
        return empty_pb2.Empty()

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Takes the configuration as it is."""
        return provider_pb2.CheckResponse(inputs=request.news)

    @telling
    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Says whether another configuration means another cluster."""
        difference = configuration_difference(revealed(decode(request.olds)), revealed(decode(request.news)))
        return provider_pb2.DiffResponse(
            changes=changes(any_change=bool(difference.changed)),
            diffs=difference.changed,
            replaces=difference.replacing,
        )

    @telling
    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Reads the configuration and looks for the cluster."""
        self._session = Session(request.variables, self.log, self._stopped)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    @telling
    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        """Decodes manifests; nothing else."""
        if request.tok != "kubernetes:yaml:decode":
            raise only_in_the_real_one(request.tok)
        arguments = revealed(decode(request.args))
        namespace = arguments.get("defaultNamespace", "")
        objects = decoding_yaml.decoded(arguments["text"], namespace, self.session.is_namespaced)
        answer = provider_pb2.InvokeResponse()
        getattr(answer, "return").CopyFrom(encode({"result": objects}))
        return answer

    @telling
    def Construct(
        self, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConstructResponse:
        """Refuses: the real provider's components are not here."""
        raise only_in_the_real_one(request.type)
