"""The control plane: private, encrypted, logged, with access entries for configured roles only."""

from __future__ import annotations

import json

import pytest

import config
import versions
from components.cluster.cluster import DEPLOYERS, access_entries
from tests.unit.components.cluster.live import LIVE
from tests.unit.config.configurations import changed
from tests.unit.program import PROGRAM, STACKS, configured, run, stack_config, with_services
from tools.program.graph import Graph, every

CLUSTER = "eks:index:Cluster"
ADMIN = "arn:aws:iam::123456789012:role/admin"
DEPLOYER = "arn:aws:iam::123456789012:role/teams/release"
READER = "arn:aws:iam::123456789012:role/reader"
OWNS_OUTSIDE = {"Ingress", "PersistentVolumeClaim", "Elasticsearch"}


def access(**roles: list[str]) -> config.Cluster:
    return config.Cluster.model_validate({f"{name}RoleArns": arns for name, arns in roles.items()})


def with_cluster(stack: str, **values: object) -> Graph:
    settings = with_services(stack_config(stack), "frontend")
    cluster = {**json.loads(settings["hello-platform:cluster"]), **values}
    changed = {**settings, "hello-platform:cluster": json.dumps(cluster)}
    return configured(changed, stack=stack)


def test_the_cluster_has_the_pinned_version(graph: Graph) -> None:
    (cluster,) = graph.of_type(CLUSTER)
    assert cluster.inputs["name"] == f"hello-{cluster.urn.split(':')[2]}"
    assert cluster.inputs["version"] == versions.KUBERNETES
    assert cluster.inputs["upgradePolicy"] == {"supportType": "STANDARD"}


def test_eks_installs_no_default_addons(graph: Graph) -> None:
    (cluster,) = graph.of_type(CLUSTER)
    assert cluster.inputs["skipDefaultNodeGroup"] is True
    assert cluster.inputs["skipDefaultSecurityGroups"] is True
    assert cluster.inputs["createOidcProvider"] is False
    assert cluster.inputs["bootstrapSelfManagedAddons"] is False
    assert cluster.inputs["useDefaultVpcCni"] is True
    assert cluster.inputs["kubeProxyAddonOptions"]["enabled"] is False
    assert cluster.inputs["corednsAddonOptions"]["enabled"] is False


def test_the_kubernetes_api_is_private_where_no_range_is_listed() -> None:
    settings = changed({"cluster.publicAccessCidrs": []})
    (cluster,) = run(PROGRAM, stack="dev", settings=settings, preview=False, live=LIVE).of_type(CLUSTER)
    assert cluster.inputs["endpointPrivateAccess"] is True
    assert cluster.inputs["endpointPublicAccess"] is False
    assert "publicAccessCidrs" not in cluster.inputs


def test_the_kubernetes_api_is_public_for_listed_ranges_only() -> None:
    (cluster,) = with_cluster("dev", publicAccessCidrs=["203.0.113.0/24"]).of_type(CLUSTER)
    assert cluster.inputs["endpointPublicAccess"] is True
    assert cluster.inputs["publicAccessCidrs"] == ["203.0.113.0/24"]


def test_secrets_in_etcd_are_encrypted_with_the_platforms_key(graph: Graph) -> None:
    (cluster,) = graph.of_type(CLUSTER)
    (key,) = (one for one in graph.of_type("aws:kms/key:Key") if one.name.endswith("-secrets"))
    assert "encryptionConfigKeyArn" in cluster.inputs
    assert key.urn in cluster.dependencies


def test_control_plane_logs_go_to_a_log_group_that_exists_first(graph: Graph) -> None:
    (cluster,) = graph.of_type(CLUSTER)
    assert cluster.inputs["enabledClusterLogTypes"] == ["audit", "authenticator"]
    groups = graph.of_type("aws:cloudwatch/logGroup:LogGroup")
    (group,) = (one for one in groups if one.inputs["name"] == f"/aws/eks/{cluster.inputs['name']}/cluster")
    assert group.urn in cluster.dependencies


def test_it_depends_on_its_role_and_the_roles_policies(graph: Graph) -> None:
    (cluster,) = graph.of_type(CLUSTER)
    role = graph.named("hello:platform:Role", f"{cluster.name}-cluster")
    assert {one.urn for one in graph.children(role)} <= cluster.dependencies
    assert "serviceRole" in cluster.inputs


def test_each_role_has_the_access_policy_of_its_kind() -> None:
    entries = access_entries(access(admin=[ADMIN], deployer=[DEPLOYER], reader=[READER]), "aws")
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


def test_removing_a_role_changes_no_other_access_entry() -> None:
    before, after = (access_entries(access(admin=arns), "aws") for arns in ([ADMIN, READER], [READER]))
    assert before.keys() > after.keys()


@pytest.mark.parametrize("stack", STACKS)
def test_only_configured_roles_have_access_entries(stack: str) -> None:
    (cluster,) = with_cluster(stack, readerRoleArns=[READER]).of_type(CLUSTER)
    assert cluster.inputs["authenticationMode"] == "API"
    (entry,) = cluster.inputs["accessEntries"].values()
    assert entry["principalArn"] == READER
    (policy,) = entry["accessPolicies"].values()
    assert policy["policyArn"] == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    assert policy["accessScope"] == {"type": "cluster"}


def test_objects_are_deleted_with_the_cluster_unless_they_own_something_outside(graph: Graph) -> None:
    (cluster,) = graph.of_type(CLUSTER)
    for one in every(graph.objects()):
        assert one.deleted_with == (None if one.kind in OWNS_OUTSIDE else cluster.urn), one.urn
    for one in graph.of_type("kubernetes:helm.sh/v3:Release"):
        assert one.deleted_with is None
