"""The control plane: private, encrypted, logged, entered by named roles only; what goes with it."""

from __future__ import annotations

import json

import pytest

import config
import versions
from components.cluster.cluster import DEPLOYERS, access_entries
from tests.unit.graph import Graph, every
from tests.unit.program import CHECKOUT, STACKS, run, stack_config

CLUSTER = "eks:index:Cluster"
ADMIN = "arn:aws:iam::123456789012:role/admin"
DEPLOYER = "arn:aws:iam::123456789012:role/teams/release"
READER = "arn:aws:iam::123456789012:role/reader"
OWNS_OUTSIDE = {"Ingress", "PersistentVolumeClaim", "Elasticsearch"}


def access(**roles: list[str]) -> config.Cluster:
    return config.Cluster.model_validate({f"{name}RoleArns": arns for name, arns in roles.items()})


def with_cluster(stack: str, **values: object) -> Graph:
    settings = stack_config(stack)
    cluster = {**json.loads(settings["hello-platform:cluster"]), **values}
    changed = {**settings, "hello-platform:cluster": json.dumps(cluster)}
    return run(CHECKOUT / "__main__.py", stack=stack, settings=changed, preview=False)


def test_the_cluster_is_of_its_stack_and_of_the_pinned_version(graph: Graph) -> None:
    (cluster,) = graph.of_type(CLUSTER)
    assert cluster.inputs["name"] == f"hello-{cluster.urn.split(':')[2]}"
    assert cluster.inputs["version"] == versions.KUBERNETES
    assert cluster.inputs["upgradePolicy"] == {"supportType": "STANDARD"}


def test_nothing_is_made_in_it_that_is_not_pinned_here(graph: Graph) -> None:
    (cluster,) = graph.of_type(CLUSTER)
    assert cluster.inputs["skipDefaultNodeGroup"] is True
    assert cluster.inputs["skipDefaultSecurityGroups"] is True
    assert cluster.inputs["createOidcProvider"] is False
    assert cluster.inputs["bootstrapSelfManagedAddons"] is False
    assert cluster.inputs["useDefaultVpcCni"] is True
    assert cluster.inputs["kubeProxyAddonOptions"]["enabled"] is False
    assert cluster.inputs["corednsAddonOptions"]["enabled"] is False


def test_the_kubernetes_api_is_reached_from_inside_only_unless_a_range_is_listed(graph: Graph) -> None:
    (cluster,) = graph.of_type(CLUSTER)
    assert cluster.inputs["endpointPrivateAccess"] is True
    assert cluster.inputs["endpointPublicAccess"] is False
    assert "publicAccessCidrs" not in cluster.inputs


def test_a_listed_range_reaches_the_kubernetes_api_and_no_other() -> None:
    (cluster,) = with_cluster("dev", publicAccessCidrs=["203.0.113.0/24"]).of_type(CLUSTER)
    assert cluster.inputs["endpointPublicAccess"] is True
    assert cluster.inputs["publicAccessCidrs"] == ["203.0.113.0/24"]


def test_secrets_in_etcd_are_encrypted_with_a_key_of_ours(graph: Graph) -> None:
    (cluster,) = graph.of_type(CLUSTER)
    (key,) = (one for one in graph.of_type("aws:kms/key:Key") if one.name.endswith("-secrets"))
    assert "encryptionConfigKeyArn" in cluster.inputs
    assert key.urn in cluster.dependencies


def test_everything_is_logged_into_a_group_that_stands_before(graph: Graph) -> None:
    (cluster,) = graph.of_type(CLUSTER)
    assert set(cluster.inputs["enabledClusterLogTypes"]) == {
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    }
    groups = graph.of_type("aws:cloudwatch/logGroup:LogGroup")
    (group,) = (one for one in groups if one.inputs["name"] == f"/aws/eks/{cluster.inputs['name']}/cluster")
    assert group.urn in cluster.dependencies


def test_it_acts_in_a_role_of_ours_that_has_its_policy_before(graph: Graph) -> None:
    (cluster,) = graph.of_type(CLUSTER)
    role = graph.named("hello:platform:Role", f"{cluster.name}-cluster")
    assert {one.urn for one in graph.children(role)} <= cluster.dependencies
    assert "serviceRole" in cluster.inputs


def test_each_role_enters_as_what_it_is() -> None:
    entries = access_entries(access(admin=[ADMIN], deployer=[DEPLOYER], reader=[READER]))
    assert list(entries) == [
        "admin-123456789012:role/admin",
        "deployer-123456789012:role/teams/release",
        "reader-123456789012:role/reader",
    ]
    admin, deployer, reader = entries.values()
    assert [list(one.access_policies or {}) for one in (admin, deployer, reader)] == [
        ["AmazonEKSClusterAdminPolicy"],
        ["AmazonEKSViewPolicy"],
        ["AmazonEKSViewPolicy"],
    ]
    assert [one.kubernetes_groups for one in (admin, deployer, reader)] == [None, [DEPLOYERS], None]


def test_a_role_that_leaves_takes_nobody_elses_entry_along() -> None:
    both, one = (access_entries(access(admin=arns)) for arns in ([ADMIN, READER], [READER]))
    assert both.keys() > one.keys()


@pytest.mark.parametrize("stack", STACKS)
def test_only_those_who_are_named_enter(stack: str) -> None:
    (cluster,) = with_cluster(stack, readerRoleArns=[READER]).of_type(CLUSTER)
    assert cluster.inputs["authenticationMode"] == "API"
    (entry,) = cluster.inputs["accessEntries"].values()
    assert entry["principalArn"] == READER
    (policy,) = entry["accessPolicies"].values()
    assert policy["policyArn"] == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    assert policy["accessScope"] == {"type": "cluster"}


def test_objects_go_with_the_cluster_unless_they_own_something_outside(graph: Graph) -> None:
    (cluster,) = graph.of_type(CLUSTER)
    for one in every(graph.objects()):
        assert one.deleted_with == (None if one.kind in OWNS_OUTSIDE else cluster.urn), one.urn
    for one in graph.of_type("kubernetes:helm.sh/v3:Release"):
        assert one.deleted_with is None
