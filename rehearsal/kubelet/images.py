"""The images whose programs this machine has, and their configuration: entrypoint, user, variables, files."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import certifi

from components.delivery.jenkins.names import AGENT
from kube.client import KubernetesObject
from rehearsal import demo_images
from rehearsal.kubelet.environment import part
from rehearsal.layout import CHECKOUT

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Default PATH of a container.

https://github.com/moby/moby/blob/v28.0.0/oci/defaults.go
"""

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
"""CA bundle, at the path where most programs look for it."""

NONROOT, NOBODY = 65532, 65534
"""User ids of distroless images. https://github.com/GoogleContainerTools/distroless."""


Programs: TypeAlias = Mapping[str, str]
"""Paths of the programs that the toolchain builds, by their names in `BUILT`."""

BUILT = ("eck_operator", "load_balancer_controller", "coredns", "metrics_server")


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image.

    Attributes:
        entrypoint: `ENTRYPOINT`: default of the container's `command`.
        arguments: `CMD`: used if the container has neither `command` nor `args`.
        binds: Files and folders of this machine, by their path in the container; read-only.
        links: Targets of symbolic links, by their path in the container.
        prefix: Words before the command.
        trusts: Further paths of the CA bundle, besides `BUNDLE`.
    """

    entrypoint: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    user: int = 0
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    working_directory: str = "/"
    binds: Mapping[str, Path] = field(default_factory=dict[str, Path])
    links: Mapping[str, str] = field(default_factory=dict[str, str])
    prefix: tuple[str, ...] = ()
    trusts: tuple[str, ...] = ()


def _program(path: str, name: str, user: int, *arguments: str) -> Callable[[Programs], Image]:
    """An image with one of the programs in `BUILT`."""
    return lambda programs: Image(
        entrypoint=(path,), arguments=arguments, user=user, binds={path: Path(programs[name])}
    )


def _python(_: Programs) -> Image:
    """Python with its standard library."""
    home, links = Path(sys.base_prefix).resolve(), {"/usr/local/bin/python": str(Path(sys.executable).resolve())}
    binds = {} if home == Path("/usr") else {str(home): home}
    return Image(arguments=("python3",), binds=binds, links={} if home == Path("/usr/local") else links)


def _agent(programs: Programs) -> Image:
    """The image of `pipelines/agent.Dockerfile`, its Python part only."""
    python, root = _python(programs), "/opt/hello"
    venv = Path(sys.prefix).resolve()
    packages_of_checkout = {f"{root}/{name}": CHECKOUT / name for name in ("contract", "kube", "release", "pipelines")}
    packages = f"{root}/.venv/{Path(certifi.__file__).parent.parent.relative_to(sys.prefix)}"
    return Image(
        user=1000,
        environment={
            "PATH": f"{root}/.venv/bin:{PATH}",
            "PIPELINES": f"{root}/pipelines",
            "PYTHONPATH": root,
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        working_directory="/home/jenkins",
        binds={**python.binds, f"{root}/.venv": venv, **packages_of_checkout},
        links=python.links,
        trusts=(f"{packages}/certifi/cacert.pem", f"{packages}/botocore/cacert.pem"),
    )


_IF_THERE = (
    'command -v "$0" >/dev/null && exec "$0" "$@"; '
    'echo "A demo image has no $0: in a rehearsal this succeeds, and does nothing"'
)


def _demo(reference: str) -> Image:
    """A demo image: this machine's distribution. A program that it lacks is the real image's, and succeeds."""
    return Image(prefix=("/bin/sh", "-c", _IF_THERE), environment={"VERSION": demo_images.version(reference)})


_IMAGES: Mapping[str, Callable[[Programs], Image]] = {
    # https://github.com/elastic/cloud-on-k8s/blob/v3.5.0/build/Dockerfile
    "docker[.]elastic[.]co/eck/eck-operator": _program("/elastic-operator", "eck_operator", NONROOT, "manager"),
    # https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.3.0/Dockerfile
    "public[.]ecr[.]aws/eks/aws-load-balancer-controller": _program("/controller", "load_balancer_controller", NONROOT),
    # https://github.com/coredns/coredns/blob/v1.13.0/Dockerfile, from EKS's registries
    "[0-9]{12}[.]dkr[.]ecr[.][a-z0-9-]+[.]amazonaws[.]com/eks/coredns": _program("/coredns", "coredns", NONROOT),
    # https://github.com/kubernetes-sigs/metrics-server/blob/v0.9.0/Dockerfile
    "[0-9]{12}[.]dkr[.]ecr[.][a-z0-9-]+[.]amazonaws[.]com/eks/metrics-server": _program(
        "/metrics-server", "metrics_server", NOBODY
    ),
    "public[.]ecr[.]aws/docker/library/python": _python,
    f"[0-9]{{12}}[.]dkr[.]ecr[.][a-z0-9-]+[.]amazonaws[.]com/[a-z0-9-]+/{AGENT}": _agent,
}
"""Images by repository: a regular expression that is valid in both Python and jq."""

_REFERENCE = "^({})(:[^/]*)?(@.*)?$"

_JOB_NAME = "batch.kubernetes.io/job-name"
"""Label of a Job's pods."""

_DEMO = f"@sha256:{demo_images.PREFIX}"

OURS = (
    f'(.metadata.labels["{_JOB_NAME}"] != null) as $job | [.spec.containers[], (.spec.initContainers // [])[]]'
    f' | all((.image | test("{_REFERENCE.format("|".join(_IMAGES))}")) or ($job and (.image | contains("{_DEMO}"))))'
)
"""jq expression: whether this kubelet runs a pod: the programs of all its images are on this machine, or it is a Job's.

Of demo images only Jobs run, such as a release's hooks; the pod simulator answers for the pods that serve.
"""


def is_ours(pod: KubernetesObject) -> bool:
    """Whether this kubelet runs a pod (see `OURS`)."""
    spec = pod["spec"]
    containers: list[dict[str, Any]] = [*spec["containers"], *(spec.get("initContainers") or ())]
    is_job = _JOB_NAME in part(pod, "metadata", "labels")
    return all(_maker(one["image"]) or (is_job and _DEMO in one["image"]) for one in containers)


def image(reference: str, programs: Programs) -> Image:
    """The image of a reference.

    Raises:
        KeyError: This machine does not have its program.
    """
    maker = _maker(reference)
    if maker is None and _DEMO in reference:
        return _demo(reference)
    if maker is None:
        raise KeyError(reference)
    return maker(programs)


def _maker(reference: str) -> Callable[[Programs], Image] | None:
    matches = (make for name, make in _IMAGES.items() if re.match(_REFERENCE.format(name), reference))
    return next(matches, None)
