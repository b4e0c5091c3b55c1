"""Two load balancers: prod's on the internet, the tools' for staff; and nobody takes another's host."""

from __future__ import annotations

import json
from typing import Any

import pytest

import config
import versions
from components.ingress.ingress_class import IngressClassArgs
from config import PROJECT
from rehearsal.toolchain.tools import LOAD_BALANCER_CONTROLLER
from tests.unit.components.delivery.jenkins import with_jenkins
from tests.unit.graph import Graph
from tests.unit.program import CHECKOUT, run, stack_config, stack_of

STAFF_TAKES = ["logging"]
NAME = "aws-load-balancer-controller"


def asked(graph: Graph) -> dict[str, dict[str, Any]]:
    """What is asked of each load balancer, by the name of its class."""
    return {one.metadata["name"]: dict(one.spec) for one in graph.of_kind("IngressClassParams")}


def takes(spec: dict[str, Any]) -> list[str]:
    (one,) = spec["namespaceSelector"]["matchExpressions"]
    assert (one["key"], one["operator"]) == ("kubernetes.io/metadata.name", "In")
    return one["values"]


def changed(**settings_of_load_balancer: str) -> Graph:
    settings = {**stack_config("dev")}
    key = f"{PROJECT}:loadBalancer"
    settings[key] = json.dumps({**json.loads(settings[key]), **settings_of_load_balancer})
    return run(CHECKOUT / "__main__.py", stack="dev", settings=settings, preview=False)


def test_the_public_one_takes_prod_and_nothing_else(graph: Graph) -> None:
    specs = asked(graph)
    assert takes(specs["public"]) == ["prod"]
    assert takes(specs["staff"]) == ["dev", *STAFF_TAKES]


def test_a_tool_that_is_not_there_is_on_no_load_balancer() -> None:
    assert takes(asked(with_jenkins())["staff"]) == ["dev", "logging", "jenkins"]


def test_only_the_setting_puts_dev_on_the_public_one() -> None:
    graph = changed(testHost="public")
    assert takes(asked(graph)["public"]) == ["dev", "prod"]
    assert takes(asked(graph)["staff"]) == STAFF_TAKES
    used = {one.metadata["namespace"]: one.spec["ingressClassName"] for one in graph.of_kind("Ingress")}
    assert used == {"dev": "public", "prod": "public", "logging": "staff"}


def test_every_ingress_is_in_a_namespace_that_its_class_takes(known: Graph) -> None:
    for one in known.of_kind("Ingress"):
        assert one.metadata["namespace"] in takes(asked(known)[one.spec["ingressClassName"]])


def test_the_world_reaches_the_public_one_only(graph: Graph) -> None:
    """The controller makes the load balancers' security groups, for ports 80 and 443 of these; we make none."""
    settings = config.load(stack_config(stack_of(graph)))
    open_to = {name: spec["inboundCIDRs"] for name, spec in asked(graph).items()}
    assert open_to == {"public": ["0.0.0.0/0"], "staff": settings.load_balancer.staff_cidrs}
    ours = [one for one in graph.resources.values() if "ecurityGroup" in one.type]
    assert {one.type for one in ours} == {"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"}
    assert not any(one.inputs.get("ingress") for one in ours)


def test_a_class_has_its_own_group_and_targets_are_nodes(graph: Graph) -> None:
    for name, spec in asked(graph).items():
        assert spec["group"] == {"name": name}
        assert spec["targetType"] == "instance"
        assert spec["scheme"] == "internet-facing"


def test_what_holds_for_a_load_balancer_is_set_on_purpose(graph: Graph) -> None:
    settings = config.load(stack_config(stack_of(graph)))
    for spec in asked(graph).values():
        attributes = {one["key"]: one["value"] for one in spec["loadBalancerAttributes"]}
        assert attributes["idle_timeout.timeout_seconds"] == str(settings.load_balancer.idle_timeout_seconds)
        assert attributes["deletion_protection.enabled"] == ("true" if settings.protect else "false")
        assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"


def test_a_certificate_that_is_named_is_on_both() -> None:
    arn = "arn:aws:acm:ap-northeast-2:123456789012:certificate/0123abcd"
    assert [spec["certificateArn"] for spec in asked(changed(certificateArn=arn)).values()] == [[arn], [arn]]


def test_every_request_is_logged_into_a_bucket_that_may_be_written_before(graph: Graph) -> None:
    (logs,) = graph.of_type("hello:platform:AccessLogs")
    (bucket,) = graph.children(logs)
    (policy,) = (one for one in graph.children(bucket) if one.type == "aws:s3/bucketPolicy:BucketPolicy")
    for one in graph.of_kind("IngressClassParams"):
        attributes = {asked["key"]: asked["value"] for asked in one.spec["loadBalancerAttributes"]}
        assert attributes["access_logs.s3.enabled"] == "true"
        assert attributes["access_logs.s3.bucket"] == policy.inputs["bucket"]
        assert policy.urn in graph.after_all(one)


def test_a_web_acl_that_is_named_judges_requests_to_both_and_else_there_is_none(graph: Graph) -> None:
    arn = "arn:aws:wafv2:ap-northeast-2:123456789012:regional/webacl/hello/0123abcd"
    assert [spec["wafv2AclArn"] for spec in asked(changed(webAclArn=arn)).values()] == [arn, arn]
    assert not any("wafv2AclArn" in spec for spec in asked(graph).values())


def test_a_class_is_the_controllers_and_has_its_parameters(graph: Graph) -> None:
    for one in graph.of_kind("IngressClass"):
        assert one.spec["controller"] == "ingress.k8s.aws/alb"
        assert one.spec["parameters"] == {
            "apiGroup": "elbv2.k8s.aws",
            "kind": "IngressClassParams",
            "name": one.metadata["name"],
        }


@pytest.mark.parametrize(("namespaces", "cidrs"), [([], ["203.0.113.0/24"]), (["prod"], [])])
def test_a_class_for_everybody_is_refused(namespaces: list[str], cidrs: list[str]) -> None:
    with pytest.raises(ValueError, match="at least one namespace and one range"):
        IngressClassArgs(namespaces=namespaces, inbound_cidrs=cidrs)


def test_nobody_joins_another_load_balancer(graph: Graph) -> None:
    values = graph.release(NAME).inputs["values"]
    assert values["disableIngressGroupNameAnnotation"] is True
    assert values["disableIngressClassAnnotation"] is True
    assert values["createIngressClassResource"] is False


def test_the_controller_is_pinned_and_knows_what_instance_metadata_would_tell(known: Graph) -> None:
    release = known.release(NAME)
    assert release.inputs["version"] == versions.AWS_LOAD_BALANCER_CONTROLLER_CHART
    assert release.inputs["repositoryOpts"] == {"repo": "https://aws.github.io/eks-charts"}
    values = release.inputs["values"]
    assert (values["clusterName"], values["region"]) == (f"hello-{stack_of(known)}", "ap-northeast-2")
    assert values["vpcId"].startswith("vpc-")
    assert values["enableServiceMutatorWebhook"] is False
    assert values["keepTLSSecret"] is True


def test_the_rehearsals_kinds_are_of_the_charts_release() -> None:
    text = (LOAD_BALANCER_CONTROLLER.folder / "go.mod").read_text(encoding="utf-8")
    assert f"// {versions.AWS_LOAD_BALANCER_CONTROLLER_CHART}: " in text


def test_ingresses_stand_after_the_controller_and_go_before_it(graph: Graph) -> None:
    release = graph.release(NAME).urn
    for one in [*graph.of_kind("Ingress"), *graph.of_kind("IngressClass"), *graph.of_kind("IngressClassParams")]:
        assert release in graph.after_all(one), one.urn
    for one in graph.of_kind("Ingress"):
        assert one.deleted_with is None, one.urn


def test_the_controllers_webhooks_answer_before_the_first_of_what_they_judge(graph: Graph) -> None:
    """A release is there once its pods are ready: they judge Ingresses and IngressClassParams, or nothing is taken."""
    release = graph.release(NAME).inputs
    assert not release.keys() & {"skipAwait", "disableWebhooks", "skipCrds"}
    assert not release["values"].keys() & {"webhookConfig", "enableEndpointSlices", "webhookNamespaceSelectors"}


def test_the_controller_changes_what_is_this_clusters_only(graph: Graph) -> None:
    """But for listeners, rules and targets, of which the documented policy asks nothing either."""
    (policy,) = (one for one in graph.of_type("aws:iam/rolePolicy:RolePolicy") if one.name.endswith(f"-{NAME}"))
    cluster = policy.name.removesuffix(f"-{NAME}")
    untagged = {"CreateListener", "CreateSecurityGroup", "CreateServiceLinkedRole", "RegisterTargets", "SetWebAcl"}
    for statement in json.loads(policy.inputs["policy"])["Statement"]:
        verbs = {action.partition(":")[2] for action in statement["Action"]}
        if statement["Resource"] == ["*"]:
            continue
        assert all(":123456789012:" in resource for resource in statement["Resource"])
        if not verbs & untagged:
            conditions = json.dumps(statement["Condition"]["StringEquals"])
            tags = (f'elbv2.k8s.aws/cluster": "{cluster}"', f'kubernetes.io/cluster/{cluster}": "owned"')
            assert any(tag in conditions for tag in tags), verbs
