"""Accepted findings of the scanners, each with its reason. An exception without a finding is an error."""

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


BUILDKITD = "Deployment buildkit/buildkitd"
ROOTLESS = (
    "Rootless buildkitd needs it, to map users and to make mounts; it is alone in its namespace, where an admission "
    "policy refuses every right beyond this, and only agents that build reach it, with a certificate."
)

EXEMPTIONS = (
    *(Exemption(check, BUILDKITD, ROOTLESS) for check in ("CKV_K8S_20", "CKV_K8S_25", "CKV_K8S_31")),
    *(
        Exemption(
            check,
            BUILDKITD,
            "The image's own user is 1000, and its folders belong to it: another needs another image. The whole of it "
            "runs in a user namespace.",
        )
        for check in ("CKV_K8S_40", "container-security-context-user-group-id")
    ),
    *(
        Exemption(
            check,
            BUILDKITD,
            "It unpacks images, and writes its sockets and state to several folders of its home and of /run; nothing "
            "of it outlives the pod.",
        )
        for check in ("CKV_K8S_22", "container-security-context-readonlyrootfilesystem")
    ),
    Exemption(
        "CKV_K8S_43",
        BUILDKITD,
        "Named by its release's tag: which digest that has is the registry's to say, not the program's.",
    ),
    Exemption(
        "deployment-strategy",
        BUILDKITD,
        "Two daemons share no layers: the old one ends before the new one starts.",
    ),
    *(
        Exemption(check, deployment, "It runs the agents' image as the agents do, whose own user is 1000.")
        for check in ("CKV_K8S_40", "container-security-context-user-group-id")
        for deployment in ("Deployment delivery/hello-page", "Deployment delivery/hello-reconciler")
    ),
    Exemption(
        "deployment-strategy",
        "Deployment delivery/hello-page",
        "The quota has room for one pod of it; the page comes back by itself.",
    ),
    Exemption(
        "CKV_K8S_38",
        "Deployment delivery/hello-page",
        "The token is what it reads the cluster with, by Roles without a right to write or to a Secret.",
    ),
    Exemption(
        "CKV_K8S_38",
        "Deployment delivery/hello-reconciler",
        "The token is what it reads and writes the cluster with, by Roles of names and admission policies.",
    ),
    Exemption("ingress-targets-service", "Ingress jenkins/*", "Jenkins' chart makes the Service, not the program."),
    Exemption(
        "networkpolicy-targets-pod",
        "NetworkPolicy jenkins/*",
        "Jenkins' chart makes the pods of this namespace, not the program; closed it is from the beginning.",
    ),
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
        "On dev one pod of each service is enough, by the stack's settings.",
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
    Exemption(
        "CKV_K8S_15",
        "DaemonSet log-collector/fluentd",
        "The tag is of one release and is not moved: what is on the node under it is what would be pulled.",
    ),
    Exemption(
        "container-image-pull-policy",
        "DaemonSet log-collector/fluentd",
        "The tag is of one release and is not moved: what is on the node under it is what would be pulled.",
    ),
    Exemption(
        "CKV_K8S_43",
        "DaemonSet log-collector/fluentd",
        "Whoever made the image tags each release once; a digest of it was not to be had where this was written.",
    ),
    Exemption(
        "CKV_K8S_15",
        "CronJob logging/logs-setup",
        "The tag is of one release and is not moved: what is on the node under it is what would be pulled.",
    ),
    Exemption(
        "container-image-pull-policy",
        "CronJob logging/logs-setup",
        "The tag is of one release and is not moved: what is on the node under it is what would be pulled.",
    ),
    Exemption(
        "CKV_K8S_43",
        "CronJob logging/logs-setup",
        "Whoever made the image tags each release once; a digest of it was not to be had where this was written.",
    ),
    Exemption(
        "CKV_K8S_38",
        "DaemonSet log-collector/fluentd",
        "It asks the Kubernetes API for the labels of pods: it may look at pods and namespaces, and nothing else.",
    ),
    Exemption(
        "CKV_K8S_38",
        "CronJob logging/logs-setup",
        "It fills one ConfigMap by name with the certificate that Fluentd trusts, and has no other right.",
    ),
    Exemption(
        "CKV_K8S_23",
        "DaemonSet log-collector/fluentd",
        "The files of containers are root's; without a capability, root may do what a file's owner may.",
    ),
    Exemption(
        "CKV_K8S_40",
        "DaemonSet log-collector/fluentd",
        "The files of containers are root's; without a capability, root may do what a file's owner may.",
    ),
    Exemption(
        "container-security-context-user-group-id",
        "DaemonSet log-collector/fluentd",
        "The files of containers are root's; without a capability, root may do what a file's owner may.",
    ),
    Exemption(
        "pod-probes-identical",
        "DaemonSet log-collector/fluentd",
        "Both ask for its metrics; the liveness probe is slower and far more patient than the readiness probe.",
    ),
)
