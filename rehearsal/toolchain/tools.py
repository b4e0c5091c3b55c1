"""Which programs are built, from which Go modules. Their versions are those in the `go.mod` files, and only there."""

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
    """A program that is built from a Go module of ours, which requires the program's own at a version.

    Attributes:
        name: Of the program.
        module: Import path of the Go module whose version is the program's.
        package: Folder of that module that is built; none for its top. None for the program that our own module is.
        minutes: About what a build takes on two idle cores with nothing cached (half its CPU time).
        module_of_ours: Name of our module's folder, unless it is the program's. Programs whose libraries agree in their
            versions share one, so that what they have in common is compiled once.
        version_variable: Go variable that tells the program its version at run time, or None.
        version_prefix: Stands before the version's number in that variable.
        links: Other names that the program is called by.
        data: Files and folders of the program's Go module that are kept beside it, in `data/`.
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
        """The package as `go build` takes it."""
        return "." if self.package is None else f"{self.module}/{self.package}".rstrip("/")

    @property
    def build_command(self) -> tuple[str, ...]:
        """Arguments of `go` up to `-o`'s value, which the caller adds with the package."""
        flags = ["-s", "-w"]
        if self.version_variable is not None:
            flags += ["-X", f"{self.version_variable}={self.version_prefix}{self.version}"]
        return ("build", "-ldflags", " ".join(flags))

    @property
    def key(self) -> str:
        """Name of the build in the cache: another one whenever what it is built from, or for, is another."""
        digest = hashlib.sha256()
        for file in sorted({*self.folder.glob("go.*"), *self.folder.glob("*.go")}):
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        settings = (*self.build_command, self.import_path, *self.links, *self.data, sys.platform, platform.machine())
        digest.update("\0".join(settings).encode())
        return f"{self.name}-{self.version}-{digest.hexdigest()[:12]}"


SHARED = "shared"
"""The folder of the module for the programs whose libraries agree."""

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
    # What kubelets do, as far as a rehearsal needs it: nodes get and stay ready; pods run, complete and go.
    # https://kwok.sigs.k8s.io/docs/user/stages-configuration/
    data=(
        "kustomize/stage/node/fast/node-initialize.yaml",
        "kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
        "kustomize/stage/pod/fast/pod-ready.yaml",
        "kustomize/stage/pod/fast/pod-complete.yaml",
        "kustomize/stage/pod/fast/pod-delete.yaml",
        # And what metrics-server asks kubelets for. https://kwok.sigs.k8s.io/docs/user/resource-usage-configuration/
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
"""The operator of Elasticsearch and Kibana, and its chart."""

KUBERNETES_PROVIDER = GoTool(
    "pulumi-resource-kubernetes",
    "github.com/pulumi/pulumi-kubernetes/provider/v4",
    None,
    minutes=5,
    module_of_ours="kubernetes-provider",
)
"""The provider `kubernetes`, with its Helm; needed only where no plugin can be installed."""

LOAD_BALANCER_CONTROLLER = GoTool(
    "aws-load-balancer-controller",
    "sigs.k8s.io/aws-load-balancer-controller",
    "",
    minutes=1.5,
    data=("helm/aws-load-balancer-controller",),
)
"""The controller that makes load balancers, and its chart."""

COREDNS = GoTool("coredns", "github.com/coredns/coredns", "", minutes=1.5)
"""The cluster's DNS."""

METRICS_SERVER = GoTool(
    "metrics-server",
    "sigs.k8s.io/metrics-server",
    "cmd/metrics-server",
    version_variable="k8s.io/component-base/version.gitVersion",
    version_prefix="v",
    minutes=0.2,
)
"""What says how much pods and nodes use. Its module takes the libraries that `SHARED` has: hardly any is built anew."""

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
"""What a rehearsal runs, in the order of building."""

KUBE_SCORE = GoTool("kube-score", "github.com/zegl/kube-score", "cmd/kube-score", minutes=0.5)
"""A scanner of manifests."""

ACTIONLINT = GoTool("actionlint", "github.com/rhysd/actionlint", "cmd/actionlint", minutes=0.5)
"""A linter of GitHub's workflows."""

BUILDKITD = GoTool("buildkitd", "github.com/moby/buildkit", "cmd/buildkitd", minutes=2, module_of_ours="buildkit")
"""What builds images."""

BUILDCTL = GoTool("buildctl", "github.com/moby/buildkit", "cmd/buildctl", minutes=0.5, module_of_ours="buildkit")
"""Its client, which pipelines call."""

ROOTLESSKIT = GoTool("rootlesskit", "github.com/rootless-containers/rootlesskit/v3", "cmd/rootlesskit", minutes=0.5)
"""By which buildkitd is root in a user namespace, and no root; at the version in buildkitd's rootless image."""

FOR_TESTS = (KUBE_SCORE, ACTIONLINT, BUILDKITD, BUILDCTL, ROOTLESSKIT)
"""What tests run and a rehearsal does not."""


def required_version(go_mod: Path, module: str) -> str:
    """The version, without its `v`, at which a `go.mod` requires a module.

    Raises:
        ValueError: It does not require it.
    """
    found = re.search(rf"^\s*(?:require\s+)?{re.escape(module)} v(\S+)", go_mod.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{go_mod} does not require {module}")
    return found[1]
