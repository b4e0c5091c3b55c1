"""Resources that all pods of the kubelet share: API client, programs, addresses, folders."""

from __future__ import annotations

import ssl
from collections import deque
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path

from kube.client import KubernetesObject
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

_USERS = {0: "root", 1000: "user", 65532: "nonroot", 65534: "nobody"}


@dataclass(frozen=True)
class Machine:
    """Resources that all pods share.

    Attributes:
        addresses: Pod addresses that are free. A released one is reused last.
    """

    layout: Layout
    programs: Programs
    api: Api
    addresses: deque[str] = field(default_factory=lambda: deque(map(str, IPv4Network(RUNNING_POD_CIDR).hosts())))

    def folder(self, uid: str) -> Path:
        """The folder of a pod's files."""
        return self.layout.directory / "kubelet" / uid

    def etc(self, pod: KubernetesObject, address: str) -> dict[str, str]:
        """Content of the files in a pod's `/etc`, by relative path."""
        node_domain = str(pod["spec"]["nodeName"]).partition(".")[2] or "ec2.internal"
        return {
            "resolv.conf": files.resolv_conf(pod, node_domain),
            "hosts": files.hosts(pod, address),
            "hostname": f"{files.host_name(pod)}\n",
            "nsswitch.conf": "hosts: files dns\n",
            "passwd": "".join(f"{name}:x:{id_}:{id_}::/:/sbin/nologin\n" for id_, name in _USERS.items()),
            "group": "".join(f"{name}:x:{id_}:\n" for id_, name in _USERS.items()),
            "ssl/certs/ca-certificates.crt": self._ca_bundle(),
        }

    def _ca_bundle(self) -> str:
        """This machine's CAs and the rehearsal's own, in PEM."""
        bundles = (Path(BUNDLE), Path(ssl.get_default_verify_paths().cafile or BUNDLE))
        system = next((bundle.read_text() for bundle in bundles if bundle.exists()), "")
        return system + (self.layout.control_plane / "pki" / "ca.crt").read_text()
