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
        "container-image-pull-policy",
        "Deployment *",
        "Images are named by digest: what is on the node under that digest is what would be pulled.",
    ),
    Exemption(
        "deployment-replicas",
        "Deployment *",
        "A slot is seeded with no pods; the release tool writes the number of replicas, and nobody else does.",
    ),
    Exemption(
        "deployment-targeted-by-hpa-does-not-have-replicas-configured",
        "Deployment *-blue",
        "A slot is seeded with no pods, once: the program ignores `spec` from then on, so it never resets the number.",
    ),
    Exemption(
        "deployment-strategy",
        "Deployment */crawling-*",
        "An exclusive service never has two versions at once: its slots are recreated, not rolled.",
    ),
    Exemption(
        "horizontalpodautoscaler-replicas",
        "HorizontalPodAutoscaler dev/*",
        "On dev one pod of each service is enough, by the committed settings.",
    ),
    Exemption(
        "horizontalpodautoscaler-replicas",
        "HorizontalPodAutoscaler prod/crawling",
        "An exclusive service has one pod.",
    ),
    Exemption(
        "ingress-targets-service",
        "Ingress logging/*",
        "The ECK operator makes Kibana's Service, not the program.",
    ),
    Exemption(
        "networkpolicy-targets-pod",
        "NetworkPolicy logging/*",
        "The ECK operator makes the pods of this namespace, not the program; closed it is from the beginning.",
    ),
    Exemption(
        "networkpolicy-targets-pod",
        "NetworkPolicy delivery/*",
        "Jenkins makes the pods of this namespace, not the program; closed it is from the beginning.",
    ),
    Exemption(
        "pod-probes-identical",
        "Deployment *",
        "A service states one health path. The liveness probe is slower and more patient than the readiness probe, "
        "and begins after the startup probe.",
    ),
    Exemption(
        "service-type",
        "Service *",
        "The load balancer's targets are nodes, so that kube-proxy switches slots at once (decision 0003): public "
        "services are NodePorts, which the nodes' security group keeps inside the VPC.",
    ),
)
