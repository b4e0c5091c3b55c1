"""Resources that all pods of the kubelet share: API client, programs, addresses, folders."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path

from kube.client import KubernetesObject
from rehearsal.aws import pod_identity
from rehearsal.kubelet import files
from rehearsal.kubelet.api import Api
from rehearsal.kubelet.images import BUNDLE, Programs
from rehearsal.layout import Layout
from rehearsal.programs import RUNNING_POD_CIDR

API_SERVER = {
    "KUBERNETES_SERVICE_HOST": "172.20.0.1",
    "KUBERNETES_SERVICE_PORT": "443",
    "KUBERNETES_SERVICE_PORT_HTTPS": "443",
}
"""Variables with the API server's address, in every container. Other Services get no variables.

https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
"""

Associations = Mapping[tuple[str, str], str]
"""Pod Identity associations: role ARN by namespace and name of the service account."""


class Addresses:
    """The pool of pod addresses. A released address is reused last."""

    def __init__(self) -> None:
        self._free = [str(one) for one in IPv4Network(RUNNING_POD_CIDR).hosts()][::-1]
        self._held: set[str] = set()

    def take(self, wanted: str | None = None) -> str:
        """Takes a free address: the wanted one, if it is free.

        Raises:
            IndexError: No address is free.
        """
        address = wanted if wanted in self._free else self._free[-1]
        self._free.remove(address)
        self._held.add(address)
        return address

    def release(self, address: str) -> None:
        """Returns an address to the pool."""
        if address in self._held:
            self._held.remove(address)
            self._free.insert(0, address)


@dataclass(frozen=True)
class Machine:
    """Resources that all pods share.

    Attributes:
        layout: The rehearsal.
        programs: Programs of the images.
        api: Client of the API server.
        addresses: Pool of pod addresses.
    """

    layout: Layout
    programs: Programs
    api: Api
    addresses: Addresses = field(default_factory=Addresses)

    @property
    def trusted(self) -> str:
        """CA bundle of containers (PEM): this machine's CAs and the rehearsal's own."""
        here = Path(ssl.get_default_verify_paths().cafile or BUNDLE)
        bundle = next((one for one in (Path(BUNDLE), here) if one.exists()), None)
        ours = (self.layout.control_plane / "pki" / "ca.crt").read_text()
        return (bundle.read_text() if bundle else "") + ours

    def folder(self, uid: str) -> Path:
        """The folder of a pod's files."""
        return self.layout.directory / "kubelet" / uid

    def associations(self) -> Associations:
        """The Pod Identity associations of the cluster."""
        return pod_identity.associations(self.layout)

    def settings(self, pod: KubernetesObject, address: str) -> dict[str, str]:
        """Content of the files in a pod's `/etc`, by relative path."""
        node_domain = str(pod["spec"]["nodeName"]).partition(".")[2] or "ec2.internal"
        users = {0: "root", 1000: "user", 65532: "nonroot", 65534: "nobody"}
        return {
            "resolv.conf": files.resolv_conf(pod, node_domain),
            "hosts": files.hosts(pod, address),
            "hostname": f"{files.host_name(pod)}\n",
            "nsswitch.conf": "hosts: files dns\n",
            "passwd": "".join(f"{name}:x:{one}:{one}::/:/sbin/nologin\n" for one, name in users.items()),
            "group": "".join(f"{name}:x:{one}:\n" for one, name in users.items()),
            "ssl/certs/ca-certificates.crt": self.trusted,
        }
