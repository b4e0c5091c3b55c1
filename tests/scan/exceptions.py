"""What the scanners find and is left as it is, each with its reason. One that no finding needs any more is an error."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch

from tests.scan.scanners import Finding


@dataclass(frozen=True)
class Exemption:
    """Findings that stay.

    Attributes:
        check: The scanner's id of the check.
        resource: Pattern (`fnmatch`) of the resources, `KIND NAMESPACE/NAME`.
        reason: Why they stay, and what is done instead.
    """

    check: str
    resource: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether it is about a finding."""
        return self.check == finding.check and fnmatch(finding.resource, self.resource)


EXEMPTIONS = (
    Exemption(
        "CKV_K8S_35",
        "*",
        "Secrets reach containers as environment variables: that is where the services' images read them. The Secret "
        "is immutable, so that a file would not change either; no other container runs in the pod.",
    ),
    Exemption(
        "CKV2_K8S_6",
        "*",
        "The scanner looks for a policy whose selector equals the pod's labels. Every pod is under its namespace's "
        "default deny and its service's own policy: docs/reach.md has every pair.",
    ),
    Exemption(
        "container-image-pull-policy",
        "*",
        "Images are named by digest: what is on the node under that digest is what would be pulled.",
    ),
    Exemption(
        "deployment-has-host-podantiaffinity",
        "*",
        "Pods spread by topologySpreadConstraints over zones and hosts, which also hold for more pods than hosts.",
    ),
    Exemption(
        "deployment-replicas",
        "*",
        "A slot is seeded with no pods; the release tool writes the number of replicas, and nobody else does.",
    ),
    Exemption(
        "hpa-has-replicas",
        "*",
        "A slot is seeded with no pods, once: the program ignores `spec` from then on.",
    ),
    Exemption(
        "pod-probes-identical",
        "*",
        "A service states one health path. The liveness probe is slower and more patient than the readiness probe, "
        "and begins after the startup probe.",
    ),
)
