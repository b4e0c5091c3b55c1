"""What a configured provider works with: its options, and the cluster where there is one."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.kubernetes import kubeconfig
from rehearsal.stand_ins.kubernetes.api_server import ApiError, ApiServer
from rehearsal.stand_ins.kubernetes.configuration import Options
from rehearsal.stand_ins.kubernetes.engine_log import EngineLog
from rehearsal.stand_ins.kubernetes.objects import Objects
from rehearsal.stand_ins.kubernetes.scopes import CLUSTER_SCOPED
from rehearsal.stand_ins.kubernetes.waiting import Waiter
from release.kubernetes_api import KubernetesApi

_UNREACHABLE = """configured Kubernetes cluster is unreachable: {reason}
If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation with the
PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"."""


class Session:
    """One configuration of the provider.

    A cluster that cannot be reached is no error yet: previews go on without it.

    Args:
        variables: The engine's configuration variables.
        log: Where a person sees what is waited for.
        stopped: Ends all waits when set.

    Raises:
        RehearsalError: A mode is asked for that the stand-in does not have.
    """

    def __init__(self, variables: Mapping[str, str], log: EngineLog, stopped: threading.Event) -> None:
        self.options = Options.of(variables)
        self.default_namespace = self.options.namespace or "default"
        self.unreachable_because: str | None = None
        self._api: ApiServer | None = None
        self._objects: Objects | None = None
        try:
            connection = self.options.connection()
            self.default_namespace = self.options.namespace or connection.namespace or "default"
            self._api = ApiServer(connection)
        except (ApiError, RehearsalError) as error:
            self.unreachable_because = str(error)
        else:
            waiter = Waiter(self._api, log, stopped)
            self._objects = Objects(self._api, waiter, stopped, upsert=self.options.upsert, force=self.options.force)

    @property
    def objects(self) -> Objects:
        """The objects of the cluster.

        Raises:
            RehearsalError: The cluster cannot be reached.
        """
        if self._objects is None:
            raise RehearsalError(
                _UNREACHABLE.format(reason=self.unreachable_because),
                remedy="Start the cluster (`make up` starts a rehearsal's), or correct the kubeconfig.",
            )
        return self._objects

    @property
    def client(self) -> KubernetesApi:
        """A client of the cluster for what Helm does.

        Raises:
            RehearsalError: The cluster cannot be reached.
        """
        source = self.options.kubeconfig or os.environ.get("KUBECONFIG")
        if self._objects is None or not source:
            raise RehearsalError(
                _UNREACHABLE.format(reason=self.unreachable_because),
                remedy="Start the cluster (`make up` starts a rehearsal's), or correct the kubeconfig.",
            )
        return KubernetesApi(kubeconfig.load(source))

    def serves(self, api_version: str, kind: str) -> bool:
        """Whether the cluster is there and has this kind."""
        return self._api is not None and self._api.serves(api_version, kind)

    def is_namespaced(self, api_version: str, kind: str) -> bool:
        """Whether objects of a kind live in namespaces; of a kind nobody knows yet it is assumed."""
        if self._api is not None:
            try:
                return self._api.resource(api_version, kind).namespaced
            except ApiError:
                pass  # a custom resource whose definition is about to come
        return kind not in CLUSTER_SCOPED
