"""Resources that remain after a destroy, of the kinds in `leftovers.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from kube.client import KubernetesApi
from rehearsal import aws
from rehearsal.emulators.aws.account import Account
from rehearsal.kubelet import kwok
from rehearsal.layout import Layout

SYSTEM_NAMESPACES = {"default", "kube-system", "kube-public", "kube-node-lease"}

_KINDS: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())


def find(layout: Layout, api: KubernetesApi, state: Sequence[str]) -> list[str]:
    """Remaining resources in state, AWS account and cluster, one line each; `state` has the state's URNs."""
    return [
        *(f"state: {urn}" for urn in state),
        *(f"AWS account: {record.type} {record.id}" for record in Account.load(layout).records()),
        *(f"AWS account: {one}" for one in in_account(layout, aws.region(layout))),
        *(f"cluster: Namespace {name}" for name in _names(api, "v1", "Namespace") if name not in SYSTEM_NAMESPACES),
        *(
            f"cluster: {kind} {name}"
            for api_version, kind in _KINDS["cluster"]
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
        for service, operation, key, name in _KINDS["account"]
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
