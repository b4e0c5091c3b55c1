"""`vpc-cni`: the DaemonSet `aws-node`. Its third container enforces network policies; here nothing does.

https://github.com/aws/amazon-vpc-cni-k8s/blob/master/charts/aws-vpc-cni/values.yaml
"""

from __future__ import annotations

from typing import Any

from rehearsal.stand_ins.aws.addons.addon import NAMESPACE, ON_LINUX, AddonKind, Configuration, image
from rehearsal.stand_ins.values import ANY, RESOURCES
from rehearsal.stand_ins.workloads import EVERYWHERE, container, daemon_set, placed, pods, requests, service_account
from release.kubernetes_api import KubernetesObject

NAME = "aws-node"
SELECTOR = {"k8s-app": NAME}
DEFAULT = requests("25m")

_VARIABLES = (
    "ADDITIONAL_ENI_TAGS", "ANNOTATE_POD_IP", "AWS_EC2_ENDPOINT", "AWS_EXTERNAL_SERVICE_CIDRS",
    "AWS_MANAGE_ENIS_NON_SCHEDULABLE", "AWS_VPC_CNI_NODE_PORT_SUPPORT", "AWS_VPC_ENI_MTU",
    "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", "AWS_VPC_K8S_CNI_EXTERNALSNAT",
    "AWS_VPC_K8S_CNI_LOGLEVEL", "AWS_VPC_K8S_CNI_LOG_FILE", "AWS_VPC_K8S_CNI_RANDOMIZESNAT",
    "AWS_VPC_K8S_CNI_VETHPREFIX", "AWS_VPC_K8S_PLUGIN_LOG_FILE", "AWS_VPC_K8S_PLUGIN_LOG_LEVEL", "CLUSTER_ENDPOINT",
    "DISABLE_INTROSPECTION", "DISABLE_LEAKED_ENI_CLEANUP", "DISABLE_METRICS", "DISABLE_NETWORK_RESOURCE_PROVISIONING",
    "DISABLE_POD_V6", "ENABLE_BANDWIDTH_PLUGIN", "ENABLE_IMDS_ONLY_MODE", "ENABLE_MULTI_NIC", "ENABLE_POD_ENI",
    "ENABLE_PREFIX_DELEGATION", "ENABLE_SUBNET_DISCOVERY", "ENABLE_V4_EGRESS", "ENABLE_V6_EGRESS",
    "ENI_CONFIG_ANNOTATION_DEF", "ENI_CONFIG_LABEL_DEF", "INTROSPECTION_BIND_ADDRESS", "IP_COOLDOWN_PERIOD", "MAX_ENI",
    "MINIMUM_IP_TARGET", "NETWORK_POLICY_ENFORCING_MODE", "POD_MTU", "POD_SECURITY_GROUP_ENFORCING_MODE",
    "WARM_ENI_TARGET", "WARM_IP_TARGET", "WARM_PREFIX_TARGET",
)  # fmt: skip

SCHEMA = {
    "affinity": ANY,
    "branchENICooldown": int,
    "enableNetworkPolicy": str,
    "enableWindowsIpam": str,
    "enableWindowsPrefixDelegation": str,
    "eniConfig": {"create": bool, "region": str, "subnets": ANY},
    "env": dict.fromkeys(_VARIABLES, str),
    "extraEnv": list,
    "extraVolumeMounts": list,
    "extraVolumes": list,
    "init": {
        "env": {"DISABLE_TCP_EARLY_DEMUX": str, "ENABLE_V6_EGRESS": str},
        "image": {"pullPolicy": str},
        "resources": RESOURCES,
    },
    "livenessProbeTimeoutSeconds": int,
    "minimumWindowsIPTarget": int,
    "nodeAgent": {
        "conntrackCacheCleanupPeriod": int,
        "enableCloudWatchLogs": str,
        "enablePolicyEventLogs": str,
        "enabled": bool,
        "healthProbeBindAddr": str,
        "image": {"pullPolicy": str},
        "logLevel": str,
        "metricsBindAddr": str,
        "networkPolicyAgentLogFileLocation": str,
        "resources": RESOURCES,
    },
    "podAnnotations": ANY,
    "podLabels": ANY,
    "readinessProbeTimeoutSeconds": int,
    "resources": RESOURCES,
    "tolerations": list,
    "warmWindowsIPTarget": int,
    "warmWindowsPrefixTarget": int,
}


def _objects(values: Configuration, tag: str) -> list[KubernetesObject]:
    labels = {**SELECTOR, "app.kubernetes.io/instance": "aws-vpc-cni", "app.kubernetes.io/name": NAME}
    defaults = {
        "priorityClassName": "system-node-critical",
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": ON_LINUX}},
        "tolerations": EVERYWHERE,
    }
    agent: Any = values.get("nodeAgent") or {}
    containers = [
        _container(NAME, "amazon-k8s-cni", tag, values),
        _container("aws-eks-nodeagent", "amazon/aws-network-policy-agent", tag, agent),
    ]
    spec = pods(NAME, containers, placed(defaults, values), host_network=True)
    return [
        service_account(NAME, NAMESPACE, labels),
        daemon_set(NAME, NAMESPACE, labels, spec, selector=SELECTOR, values=values),
    ]


def _container(name: str, of: str, tag: str, values: Configuration) -> KubernetesObject:
    return container(name, image(of, tag), values.get("resources") or DEFAULT)


ADDON = AddonKind("vpc-cni", SCHEMA, _objects)
