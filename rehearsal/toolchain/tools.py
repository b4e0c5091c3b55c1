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
        name: Of the module's folder and of the program.
        module: Import path of the Go module whose version is the program's.
        package: What is built: a package path as `go build` takes it; None where only the module's files are wanted.
        version_variable: Go variable that tells the program its version at run time, or None.
        version_prefix: Stands before the version's number in that variable.
        links: Other names that the program is called by.
        data: Files of the program's Go module that are kept beside it.
        minutes: About what a build takes on two idle cores with nothing cached (half its CPU time).
    """

    name: str
    module: str
    package: str | None
    version_variable: str | None
    version_prefix: str
    links: tuple[str, ...]
    data: tuple[str, ...]
    minutes: float

    @property
    def folder(self) -> Path:
        """The folder of `go.mod`."""
        return MODULES / self.name

    @property
    def version(self) -> str:
        """The program's version without its `v`, e.g. `1.34.4`."""
        return required_version(self.folder / "go.mod", self.module)

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
        settings = (*self.build_command, self.package or "", *self.links, *self.data, sys.platform, platform.machine())
        digest.update("\0".join(settings).encode())
        return f"{self.name}-{self.version}-{digest.hexdigest()[:12]}"


PULUMI = GoTool(
    name="pulumi",
    module="github.com/pulumi/pulumi/pkg/v3",
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    version_variable="github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
    version_prefix="",
    links=(),
    data=(),
    minutes=4.5,
)

KUBERNETES = GoTool(
    name="kubernetes",
    module="k8s.io/kubernetes",
    package=".",
    version_variable="k8s.io/component-base/version.gitVersion",
    version_prefix="v",
    links=("etcd", "kubectl", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler"),
    data=(),
    minutes=6,
)

KWOK = GoTool(
    name="kwok",
    module="sigs.k8s.io/kwok",
    package="sigs.k8s.io/kwok/cmd/kwok",
    version_variable=None,
    version_prefix="",
    links=(),
    # What kubelets do, as far as a rehearsal needs it: nodes get and stay ready; pods run, complete and go.
    # https://kwok.sigs.k8s.io/docs/user/stages-configuration/
    data=(
        "kustomize/stage/node/fast/node-initialize.yaml",
        "kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
        "kustomize/stage/pod/fast/pod-ready.yaml",
        "kustomize/stage/pod/fast/pod-complete.yaml",
        "kustomize/stage/pod/fast/pod-delete.yaml",
    ),
    minutes=1.5,
)

LOAD_BALANCER_CONTROLLER = GoTool(
    name="aws-load-balancer-controller",
    module="sigs.k8s.io/aws-load-balancer-controller",
    package=None,
    version_variable=None,
    version_prefix="",
    links=(),
    # What its chart installs before anything else: the API server then judges our objects of these kinds.
    data=(
        "config/crd/bases/elbv2.k8s.aws_ingressclassparams.yaml",
        "config/crd/bases/elbv2.k8s.aws_targetgroupbindings.yaml",
    ),
    minutes=0.1,
)
"""The definitions of the AWS Load Balancer Controller's own kinds; the program itself wants AWS and does not run."""

ECK = GoTool(
    name="eck",
    module="github.com/elastic/cloud-on-k8s/v3",
    package="github.com/elastic/cloud-on-k8s/v3/cmd",
    version_variable="github.com/elastic/cloud-on-k8s/v3/pkg/about.version",
    version_prefix="",
    links=(),
    data=("config/crds/v1/all-crds.yaml",),
    minutes=2,
)
"""The operator that the program installs by its chart."""

TOOLS = (PULUMI, KUBERNETES, KWOK, LOAD_BALANCER_CONTROLLER, ECK)
"""What a rehearsal runs, and the files that it needs."""

KUBE_SCORE = GoTool(
    name="kube-score",
    module="github.com/zegl/kube-score",
    package="github.com/zegl/kube-score/cmd/kube-score",
    version_variable=None,
    version_prefix="",
    links=(),
    data=(),
    minutes=0.5,
)
"""A scanner of manifests."""

ACTIONLINT = GoTool(
    name="actionlint",
    module="github.com/rhysd/actionlint",
    package="github.com/rhysd/actionlint/cmd/actionlint",
    version_variable=None,
    version_prefix="",
    links=(),
    data=(),
    minutes=0.5,
)
"""A linter of GitHub's workflows."""

FOR_TESTS = (KUBE_SCORE, ACTIONLINT)
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
