"""Resources that remain after a destroy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from kube.client import KubernetesApi
from rehearsal import aws
from rehearsal.emulators.aws.account import Account
from rehearsal.kubelet import kwok
from rehearsal.layout import Layout

SYSTEM_NAMESPACES = {"default", "kube-system", "kube-public", "kube-node-lease"}

_ANYWHERE = (
    ("v1", "Node"),
    ("v1", "PersistentVolume"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Pod"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1", "IngressClass"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
)
"""Kinds without any object in a new control plane, except the CustomResourceDefinitions of kwok."""


_LISTS = (
    ("acm", "list_certificates", "CertificateSummaryList", "CertificateArn"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("ec2", "describe_addresses", "Addresses", "AllocationId"),
    ("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    ("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("ec2", "describe_volumes", "Volumes", "VolumeId"),
    ("ecr", "describe_repositories", "repositories", "repositoryName"),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
    ("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("sns", "list_topics", "Topics", "TopicArn"),
)
"""Service, operation, key of the list in the response, key of the name. A stack's lists fit on one page each."""


def find(layout: Layout, api: KubernetesApi, state: Sequence[str]) -> list[str]:
    """Remaining resources in state, AWS account and cluster, one line each; `state` has the state's URNs."""
    return [
        *(f"state: {urn}" for urn in state),
        *(f"AWS account: {record.type} {record.id}" for record in Account.load(layout).records()),
        *(f"AWS account: {one}" for one in in_account(layout, aws.region(layout))),
        *(f"cluster: Namespace {name}" for name in _names(api, "v1", "Namespace") if name not in SYSTEM_NAMESPACES),
        *(
            f"cluster: {kind} {name}"
            for api_version, kind in _ANYWHERE
            for name in _names(api, api_version, kind)
            if not name.endswith(kwok.GROUP)
        ),
    ]


def _names(api: KubernetesApi, api_version: str, kind: str) -> list[str]:
    return [str(body["metadata"]["name"]) for body in api.list(api_version, kind)]


def in_account(layout: Layout, region: str) -> list[str]:
    """All resources in the account by its own API but the default VPC: the response's list, and the name or id."""
    client = partial(aws.client, layout, region=region)
    listed = [
        f"{key} {resource[name]}"
        for service, operation, key, name in _LISTS
        for resource in getattr(client(service), operation)()[key]
    ]
    return [*listed, *_networks(client("ec2")), *_keys(client("kms"))]


def _networks(ec2: Any) -> Iterator[str]:
    for vpc in ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"]:
        yield f"Vpcs {vpc['VpcId']}"
        of_vpc = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
        for operation, key, name in (
            (ec2.describe_subnets, "Subnets", "SubnetId"),
            (ec2.describe_security_groups, "SecurityGroups", "GroupId"),
            (ec2.describe_network_interfaces, "NetworkInterfaces", "NetworkInterfaceId"),
        ):
            for resource in operation(Filters=of_vpc)[key]:
                yield f"{key} {resource[name]}"


def _keys(kms: Any) -> Iterator[str]:
    """Yields the KMS keys that are not scheduled for deletion, without AWS managed keys."""
    aliases = kms.list_aliases()["Aliases"]
    of_aws = {alias.get("TargetKeyId") for alias in aliases if alias["AliasName"].startswith("alias/aws/")}
    for key in kms.list_keys()["Keys"]:
        state = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]
        if state != "PendingDeletion" and key["KeyId"] not in of_aws:
            yield f"Keys {key['KeyId']}"
