"""The versions that belong to one minor version of Kubernetes change together."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

import versions
from components.cluster.cluster import DAYS_OF_WARNING, support_warning
from rehearsal.toolchain.tools import KUBERNETES
from tests.programs import KUBERNETES_BEFORE
from tools.program.graph import Graph

OF_THE_MINOR = {
    "kube-proxy": versions.KUBE_PROXY.removeprefix("v"),
    "cluster autoscaler": versions.CLUSTER_AUTOSCALER,
    "nodes' image": versions.NODE_IMAGE_RELEASE,
    "rehearsal's control plane": KUBERNETES.version,
}


@pytest.mark.parametrize("name", OF_THE_MINOR)
def test_what_follows_the_minor_version_has_it(name: str) -> None:
    """Kube-proxy and kubelets are never newer than the API server; the autoscaler simulates its own scheduler.

    https://kubernetes.io/releases/version-skew-policy/
    https://github.com/kubernetes/autoscaler/tree/master/cluster-autoscaler#releases
    """
    assert OF_THE_MINOR[name].startswith(f"{versions.KUBERNETES}.")


def test_the_rehearsed_upgrade_begins_with_the_minor_version_before() -> None:
    before, now = (int(version.split(".")[1]) for version in (KUBERNETES_BEFORE.version, versions.KUBERNETES))
    assert now - before == 1


def test_nodes_have_the_pinned_image(graph: Graph) -> None:
    """Otherwise a group keeps the image of its first day for good: EKS never patches nodes by itself."""
    for group in graph.of_type("eks:index:ManagedNodeGroup"):
        assert group.inputs["version"] == versions.KUBERNETES
        assert group.inputs["releaseVersion"] == versions.NODE_IMAGE_RELEASE


@pytest.mark.parametrize(("days", "warns"), [(DAYS_OF_WARNING + 1, False), (DAYS_OF_WARNING, True), (-1, True)])
def test_the_end_of_support_is_said_in_time(days: int, *, warns: bool) -> None:
    warning = support_warning(versions.END_OF_STANDARD_SUPPORT - timedelta(days=days))
    assert (warning is not None) == warns
    assert warning is None or re.search(rf"in {days} days.*docs/upgrades\.md", warning)
