"""Charts, rendered by the Helm that the real kubernetes provider has."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import struct_pb2
from google.protobuf.json_format import MessageToDict, ParseDict
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from rehearsal.toolchain.tools import KUBERNETES
from tests.unit.manifests import without_secrets

NO_ENGINE = "127.0.0.1:1"
"""The address of an engine that the provider never needs: it only logs to it."""


@dataclass(frozen=True)
class Helm:
    """The provider, at work.

    Attributes:
        provider: A stub of its `ResourceProvider` service.
    """

    provider: Any

    def render(self, chart: Path, *, namespace: str, name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The objects of a release, CustomResourceDefinitions of the chart's `crds/` among them.

        Args:
            chart: The chart's folder.
            namespace: The release's.
            name: The release's.
            values: Values other than the chart's own.

        Raises:
            grpc.RpcError: Helm refuses the chart or the values.
        """
        options = {
            "chart": chart.name,
            "path": str(chart.parent),
            "namespace": namespace,
            "release_name": name,
            "values": values,
            "kube_version": KUBERNETES.version,
        }
        request = provider_pb2.InvokeRequest(
            tok="kubernetes:helm:template",
            args=ParseDict({"jsonOpts": json.dumps(options)}, struct_pb2.Struct()),
        )
        answer = self.provider.Invoke(request)
        return without_secrets(MessageToDict(getattr(answer, "return"))["result"])


@contextmanager
def helm(provider: Path) -> Generator[Helm]:
    """Runs the provider for as long as the context lasts, with no cluster.

    Args:
        provider: The program `pulumi-resource-kubernetes`.
    """
    with subprocess.Popen(
        [str(provider), NO_ENGINE],
        env={"KUBECONFIG": "/dev/null", "HOME": "/nonexistent", "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            assert process.stdout
            port = int(process.stdout.readline())
            options = [("grpc.max_receive_message_length", -1)]
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
                stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)
                stub.Configure(provider_pb2.ConfigureRequest(acceptSecrets=True, acceptResources=True))
                yield Helm(stub)
        finally:
            process.kill()
