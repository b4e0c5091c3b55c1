"""The Cluster Autoscaler: pinned, restricted, with permissions on this cluster's nodes only."""

from __future__ import annotations

import json
import re

import versions
from tests.unit.program import configured, stack_config, with_services
from tools.program.graph import Graph


def test_its_chart_is_pinned_and_comes_from_the_projects_repository(graph: Graph) -> None:
    release = graph.release("cluster-autoscaler")
    assert release.inputs["version"] == versions.CLUSTER_AUTOSCALER_CHART
    assert release.inputs["repositoryOpts"] == {"repo": "https://kubernetes.github.io/autoscaler"}


def test_it_discovers_the_groups_of_its_cluster(graph: Graph) -> None:
    release = graph.release("cluster-autoscaler")
    stack = release.urn.split(":")[2]
    assert release.inputs["values"]["autoDiscovery"] == {"clusterName": f"hello-{stack}"}
    # Otherwise it would read the region from instance metadata, which pods cannot reach.
    assert release.inputs["values"]["awsRegion"] == "ap-northeast-2"


def test_it_balances_the_groups_of_an_environment(graph: Graph) -> None:
    release = graph.release("cluster-autoscaler")
    assert release.inputs["values"]["extraArgs"]["balance-similar-node-groups"] is True


def test_its_pod_meets_the_restricted_standard(graph: Graph) -> None:
    release = graph.release("cluster-autoscaler")
    pod = release.inputs["values"]["securityContext"]
    container = release.inputs["values"]["containerSecurityContext"]
    assert pod["runAsNonRoot"] is True
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["allowPrivilegeEscalation"] is False
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert container["readOnlyRootFilesystem"] is True


def test_it_may_resize_groups_of_this_cluster_only(graph: Graph) -> None:
    policies = graph.of_type("aws:iam/rolePolicy:RolePolicy")
    (policy,) = (one for one in policies if one.name.endswith("-cluster-autoscaler"))
    cluster = policy.name.removesuffix("-cluster-autoscaler")
    for statement in json.loads(policy.inputs["policy"])["Statement"]:
        if any(action.startswith(("autoscaling:Set", "autoscaling:Terminate")) for action in statement["Action"]):
            assert statement["Condition"] == {
                "StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster}": "owned"}
            }
        else:
            assert all(":Describe" in action or ":Get" in action for action in statement["Action"])


ATTRIBUTES = "alb.ingress.kubernetes.io/target-group-attributes"


def test_a_node_is_removed_once_nothing_passes_through_it(graph: Graph) -> None:
    """The taint makes the load balancer controller deregister it; its open requests have the deregistration delay.

    https://github.com/kubernetes/autoscaler/blob/cluster-autoscaler-1.36.1/cluster-autoscaler/FAQ.md
    """
    arguments = graph.release("cluster-autoscaler").inputs["values"]["extraArgs"]
    delays = [
        int(re.findall(r"deregistration_delay\.timeout_seconds=(\d+)", one.metadata["annotations"][ATTRIBUTES])[0])
        for one in graph.of_kind("Service")
        if one.spec["type"] == "NodePort"
    ]
    assert int(arguments["node-delete-delay-after-taint"].removesuffix("s")) > max(delays)


def test_no_grace_period_is_cut() -> None:
    """The autoscaler evicts with the shorter of a pod's own and its limit.

    https://github.com/kubernetes/autoscaler/blob/cluster-autoscaler-1.36.0/cluster-autoscaler/core/scaledown/actuation/drain.go
    """
    settings = with_services(stack_config("dev"), "frontend")
    services = json.loads(settings["hello-platform:services"])
    services["frontend"] |= {"longestRequestSeconds": 870, "heartbeatSeconds": 30}
    graph = configured({**settings, "hello-platform:services": json.dumps(services)})
    grace = [
        one.spec["template"]["spec"]["terminationGracePeriodSeconds"]
        for one in graph.of_kind("Deployment")
        if "terminationGracePeriodSeconds" in one.spec["template"]["spec"]
    ]
    arguments = graph.release("cluster-autoscaler").inputs["values"]["extraArgs"]
    assert arguments["max-graceful-termination-sec"] >= max(grace) > 870


def test_scratch_files_keep_no_node_and_the_id_of_a_zone_no_group_from_growing_with_others(graph: Graph) -> None:
    arguments = graph.release("cluster-autoscaler").inputs["values"]["extraArgs"]
    assert arguments["skip-nodes-with-local-storage"] is False
    assert arguments["balancing-ignore-label"] == "topology.k8s.aws/zone-id"
