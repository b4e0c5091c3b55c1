"""EKS's rules of Kubernetes versions: of a cluster, of its node groups, and of kube-proxy.

https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Resource
from rehearsal.emulators.aws.kinds.clusters import CLUSTER
from rehearsal.emulators.aws.properties import Properties
from rehearsal.programs import KUBE_PROXY

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"

PROXY_MAY_LAG = 3
"""Minor versions. https://kubernetes.io/releases/version-skew-policy/#kube-proxy."""

INVALID = "InvalidParameterException"


def check_cluster(cluster: Resource) -> None:
    """A cluster goes up by one minor version at a time, and once its nodes have its present one.

    https://github.com/hashicorp/terraform-provider-aws/issues/19478
    https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2607
    """
    old, new = cluster.previous.get("version"), cluster.inputs.get("version")
    if not old or not new or old == new:
        return
    if _minor(new) - _minor(old) != 1:
        raise AwsError(INVALID, f"Unsupported Kubernetes minor version update from {old} to {new}")
    groups = [one.inputs for one in cluster.account.records(NODE_GROUP) if one.inputs["clusterName"] == cluster.id]
    behind = [str(one["nodeGroupName"]) for one in groups if _minor(one.get("version") or old) < _minor(old)]
    if behind:
        message = f"must be updated to match cluster version {old} before updating cluster version"
        raise AwsError(INVALID, f"Nodegroups {', '.join(behind)} {message}")


def check_node_group(group: Resource) -> None:
    """A group begins with its cluster's version, is never newer, and goes back to no earlier one, and no older image.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html (`version`)
    https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html
    """
    version, release = group.inputs.get("version"), str(group.inputs.get("releaseVersion") or "")
    if release and version and not release.startswith(f"{version}."):
        raise AwsError(INVALID, f"Requested release version {release} is not valid for kubernetes version {version}.")
    cluster = _cluster_version(group)
    if version and cluster:
        wrong = _minor(version) > _minor(cluster) if group.previous else version != cluster
        if wrong:
            message = f"Requested Nodegroup kubernetes version {version} is invalid. Cluster version is {cluster}"
            raise AwsError(INVALID, message)
    before = str(group.previous.get("releaseVersion") or "")
    if before and release and _numbers(release) < _numbers(before):
        raise AwsError(INVALID, f"Nodegroup cannot be rolled back from release version {before} to {release}")


def newest_image(before: Properties, sent: Properties) -> Properties:
    """An update of the launch template, or of the version, takes the newest release of the image if it names no other.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html (`releaseVersion`)
    """
    release = str(before.get("releaseVersion") or "")
    is_moved = any(before.get(name) != sent.get(name) for name in ("launchTemplate", "version"))
    if not release or not is_moved or sent.get("releaseVersion") != release:
        return sent
    today = datetime.now(UTC).strftime("%Y%m%d")
    is_newer = before.get("version") != sent.get("version")
    version = f"{sent['version']}.0" if is_newer else release.partition("-")[0]
    return {**sent, "releaseVersion": max(release, f"{version}-{today}", key=_numbers)}


def check_addon(addon: Resource) -> None:
    """Kube-proxy is never newer than the control plane, and at most three minor versions older.

    https://docs.aws.amazon.com/eks/latest/userguide/managing-kube-proxy.html
    """
    version, cluster = str(addon.inputs.get("addonVersion") or ""), _cluster_version(addon)
    if addon.inputs["addonName"] != KUBE_PROXY or not version or not cluster:
        return
    if not 0 <= _minor(cluster) - _minor(version.removeprefix("v")) <= PROXY_MAY_LAG:
        raise AwsError(INVALID, f"Addon version specified is not supported: {version} with Kubernetes {cluster}")


def _cluster_version(resource: Resource) -> str | None:
    cluster = resource.find(CLUSTER, str(resource.inputs["clusterName"]))
    return cluster.inputs.get("version") if cluster else None


def _minor(version: Any) -> int:
    """36 of `1.36` or `1.36.1`."""
    return int(str(version).split(".")[1])


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release))
