"""The programs that are built from Go modules. Their versions are in the `go.mod` files only."""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).parent / "go"


@dataclass(frozen=True)
class GoTool:
    """A program that is built with a Go module in `go/`, which pins its version.

    Attributes:
        name: Name of the program.
        module: Import path of the program's own Go module.
        package: Folder of the main package in that module, empty for its root; None if the main package is in `go/`.
        minutes: Approximate time of a build on two idle cores without a cache (half its CPU time).
        module_of_ours: Folder in `go/`, if it is not `name`. Programs with the same versions of libraries share one, so
            that common packages are compiled once.
        version_variable: Go variable to set to the program's version, or None.
        version_prefix: Prefix of the version in that variable.
        links: Names of links to the program.
        data: Files and folders of the program's module to copy into `data/` beside the program.
    """

    name: str
    module: str
    package: str | None
    minutes: float
    module_of_ours: str = ""
    version_variable: str | None = None
    version_prefix: str = ""
    links: tuple[str, ...] = ()
    data: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder of `go.mod`."""
        return MODULES / (self.module_of_ours or self.name)

    @property
    def version(self) -> str:
        """The program's version without its `v`, e.g. `1.36.3`."""
        return required_version(self.folder / "go.mod", self.module)

    @property
    def import_path(self) -> str:
        """The argument of `go build` for the package."""
        return "." if self.package is None else f"{self.module}/{self.package}".rstrip("/")

    @property
    def build_command(self) -> tuple[str, ...]:
        """Arguments of `go`, without debug information; the caller appends `-o` and the package."""
        flags = ["-s", "-w"]
        if self.version_variable is not None:
            flags += ["-X", f"{self.version_variable}={self.version_prefix}{self.version}"]
        return ("build", "-ldflags", " ".join(flags), "-gcflags", "all=-dwarf=false")

    @property
    def key(self) -> str:
        """Name of the build in the cache, with a hash of its Go files, settings and platform."""
        digest = hashlib.sha256()
        for file in sorted({*self.folder.glob("go.*"), *self.folder.glob("*.go")}):
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        settings = (*self.build_command, self.import_path, *self.links, *self.data, sys.platform, platform.machine())
        digest.update("\0".join(settings).encode())
        return f"{self.name}-{self.version}-{digest.hexdigest()[:12]}"


SHARED = "shared"
"""Folder of the module of programs with the same versions of libraries."""

PULUMI = GoTool(
    "pulumi",
    "github.com/pulumi/pulumi/pkg/v3",
    "cmd/pulumi",
    minutes=3,
    module_of_ours=SHARED,
    version_variable="github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
)

KUBERNETES = GoTool(
    "kubernetes",
    "k8s.io/kubernetes",
    None,
    minutes=3.5,
    module_of_ours=SHARED,
    version_variable="k8s.io/component-base/version.gitVersion",
    version_prefix="v",
    links=("etcd", "kubectl", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler"),
)

KWOK = GoTool(
    "kwok",
    "sigs.k8s.io/kwok",
    "cmd/kwok",
    minutes=0.2,
    module_of_ours=SHARED,
    # Stages of nodes (ready, heartbeat) and of pods (ready, complete, delete).
    # https://kwok.sigs.k8s.io/docs/user/stages-configuration/
    data=(
        "kustomize/stage/node/fast/node-initialize.yaml",
        "kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
        "kustomize/stage/pod/fast/pod-ready.yaml",
        "kustomize/stage/pod/fast/pod-complete.yaml",
        "kustomize/stage/pod/fast/pod-delete.yaml",
        # Metrics for metrics-server. https://kwok.sigs.k8s.io/docs/user/resource-usage-configuration/
        "kustomize/metrics/resource/metrics-resource.yaml",
    ),
)

ECK_OPERATOR = GoTool(
    "eck-operator",
    "github.com/elastic/cloud-on-k8s/v3",
    "cmd",
    minutes=0.5,
    module_of_ours=SHARED,
    version_variable="github.com/elastic/cloud-on-k8s/v3/pkg/about.version",
    data=("deploy/eck-operator",),
)
"""The operator of Elasticsearch and Kibana (ECK), and its chart."""

KUBERNETES_PROVIDER = GoTool(
    "pulumi-resource-kubernetes",
    "github.com/pulumi/pulumi-kubernetes/provider/v4",
    None,
    minutes=4.5,
    module_of_ours="kubernetes-provider",
)
"""The provider `kubernetes`, with Helm; built only where no plugin can be installed."""

LOAD_BALANCER_CONTROLLER = GoTool(
    "aws-load-balancer-controller",
    "sigs.k8s.io/aws-load-balancer-controller",
    "",
    minutes=1.5,
    data=("helm/aws-load-balancer-controller",),
)
"""The AWS Load Balancer Controller and its chart."""

COREDNS = GoTool("coredns", "github.com/coredns/coredns", None, minutes=0.3)
"""The cluster's DNS. Its module has mostly the library versions of `SHARED`."""

METRICS_SERVER = GoTool(
    "metrics-server",
    "sigs.k8s.io/metrics-server",
    "cmd/metrics-server",
    version_variable="k8s.io/component-base/version.gitVersion",
    version_prefix="v",
    minutes=0.2,
)
"""The metrics API of pods and nodes. Its module has mostly the library versions of `SHARED`, so it builds fast."""

TOOLS = (
    PULUMI,
    KUBERNETES_PROVIDER,
    KUBERNETES,
    KWOK,
    ECK_OPERATOR,
    LOAD_BALANCER_CONTROLLER,
    COREDNS,
    METRICS_SERVER,
)
"""Programs of a rehearsal, in the order of building."""


def required_version(go_mod: Path, module: str) -> str:
    """The version, without its `v`, at which a `go.mod` requires a module.

    Raises:
        ValueError: `go.mod` does not require the module.
    """
    found = re.search(rf"^\s*(?:require\s+)?{re.escape(module)} v(\S+)", go_mod.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{go_mod} does not require {module}")
    return found[1]
