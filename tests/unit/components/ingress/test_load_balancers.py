"""The public and the staff load balancer, and the permissions of their controller."""

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
from tests.unit.program import configured, stack_config, stack_of, with_services
from tools.program.graph import Graph

STAFF_NAMESPACES = ["logging"]
NAME = "aws-load-balancer-controller"


def params_of(graph: Graph) -> dict[str, dict[str, Any]]:
    """Spec of the IngressClassParams of each load balancer, by name."""
    return {one.metadata["name"]: dict(one.spec) for one in graph.of_kind("IngressClassParams")}


def allowed_namespaces(spec: dict[str, Any]) -> list[str]:
    (requirement,) = spec["namespaceSelector"]["matchExpressions"]
    assert (requirement["key"], requirement["operator"]) == ("kubernetes.io/metadata.name", "In")
    return requirement["values"]


def changed(**settings_of_load_balancer: str) -> Graph:
    settings = with_services(stack_config("dev"), "frontend")
    key = f"{PROJECT}:loadBalancer"
    settings[key] = json.dumps({**json.loads(settings[key]), **settings_of_load_balancer})
    return configured(settings)


def test_the_public_load_balancer_serves_prod_only(graph: Graph) -> None:
    specs = params_of(graph)
    assert allowed_namespaces(specs["public"]) == ["prod"]
    assert allowed_namespaces(specs["staff"]) == ["dev", *STAFF_NAMESPACES]


def test_jenkins_is_on_the_staff_load_balancer_if_enabled() -> None:
    assert allowed_namespaces(params_of(with_jenkins())["staff"]) == ["dev", "logging", "jenkins", "delivery"]


def test_the_configuration_can_put_dev_on_the_public_load_balancer() -> None:
    graph = changed(testHost="public")
    assert allowed_namespaces(params_of(graph)["public"]) == ["dev", "prod"]
    assert allowed_namespaces(params_of(graph)["staff"]) == STAFF_NAMESPACES
    used = {one.metadata["namespace"]: one.spec["ingressClassName"] for one in graph.of_kind("Ingress")}
    assert used == {"dev": "public", "prod": "public", "logging": "staff"}
    names = {one.metadata["namespace"]: one.metadata["name"] for one in graph.of_kind("Ingress")}
    assert names["dev"] == "dev-public", "not the name it has on the other one, whose address its status would keep"


def test_every_ingress_is_in_a_namespace_that_its_class_allows(known: Graph) -> None:
    for one in known.of_kind("Ingress"):
        assert one.metadata["namespace"] in allowed_namespaces(params_of(known)[one.spec["ingressClassName"]])


def test_only_the_public_load_balancer_is_open_to_the_internet(graph: Graph) -> None:
    """The controller creates the security groups that open ports 80 and 443; the program's have no rules."""
    settings = config.load(stack_config(stack_of(graph)))
    open_to = {name: spec["inboundCIDRs"] for name, spec in params_of(graph).items()}
    assert open_to == {"public": ["0.0.0.0/0"], "staff": settings.load_balancer.staff_cidrs}
    security_groups = [one for one in graph.resources.values() if "ecurityGroup" in one.type]
    assert len(security_groups) == len(("the default one", "that of load balancers"))
    assert not any(one.inputs.get("ingress") or one.inputs.get("egress") for one in security_groups)


def test_the_controller_has_a_backend_security_group_of_the_program(known: Graph) -> None:
    """One of its own it forgets when it starts anew, and leaves in the VPC."""
    (group,) = known.of_type("aws:ec2/securityGroup:SecurityGroup")
    (vpc,) = known.of_type("aws:ec2/vpc:Vpc")
    (chart,) = (one for one in known.of_type("kubernetes:helm.sh/v3:Release") if one.inputs["name"] == NAME)
    assert chart.inputs["values"]["backendSecurityGroup"] == group.id
    assert group.inputs["vpcId"] == vpc.id


def test_each_class_has_its_own_group_and_nodes_as_targets(graph: Graph) -> None:
    for name, spec in params_of(graph).items():
        assert spec["group"] == {"name": name}
        assert spec["targetType"] == "instance"
        assert spec["scheme"] == "internet-facing"


def test_load_balancers_are_in_every_zone(known: Graph) -> None:
    """By id: subnets that the controller discovers stay as they were when it made the load balancer."""
    subnets = {one.id: one.inputs for one in known.of_type("aws:ec2/subnet:Subnet")}
    zones = {one["availabilityZone"] for one in subnets.values()}
    for spec in params_of(known).values():
        used = [subnets[identifier] for identifier in spec["subnets"]["ids"]]
        assert {one["availabilityZone"] for one in used} == zones
        assert all("kubernetes.io/role/elb" in one["tags"] for one in used)


def test_load_balancer_attributes_follow_the_configuration(graph: Graph) -> None:
    settings = config.load(stack_config(stack_of(graph)))
    for spec in params_of(graph).values():
        attributes = {one["key"]: one["value"] for one in spec["loadBalancerAttributes"]}
        assert attributes["idle_timeout.timeout_seconds"] == str(settings.load_balancer.idle_timeout_seconds)
        assert attributes["deletion_protection.enabled"] == ("true" if settings.protect else "false")
        assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "false", "X_Api_Key is kept"


def test_a_configured_certificate_is_on_both_load_balancers() -> None:
    arn = "arn:aws:acm:ap-northeast-2:123456789012:certificate/0123abcd"
    assert [spec["certificateArn"] for spec in params_of(changed(certificateArn=arn)).values()] == [[arn], [arn]]


def test_access_logs_go_to_a_bucket_whose_policy_exists_first(graph: Graph) -> None:
    (logs,) = graph.of_type("hello:platform:AccessLogs")
    (bucket,) = graph.children(logs)
    (policy,) = (one for one in graph.children(bucket) if one.type == "aws:s3/bucketPolicy:BucketPolicy")
    for one in graph.of_kind("IngressClassParams"):
        attributes = {attribute["key"]: attribute["value"] for attribute in one.spec["loadBalancerAttributes"]}
        assert attributes["access_logs.s3.enabled"] == "true"
        assert attributes["access_logs.s3.bucket"] == policy.inputs["bucket"]
        assert policy.urn in graph.after_all(one)


def test_a_configured_web_acl_is_on_both_load_balancers(graph: Graph) -> None:
    arn = "arn:aws:wafv2:ap-northeast-2:123456789012:regional/webacl/hello/0123abcd"
    assert [spec["wafv2AclArn"] for spec in params_of(changed(webAclArn=arn)).values()] == [arn, arn]
    for spec in params_of(graph).values():
        assert (spec.get("wafv2AclArn"), spec["wafv2AclName"]) == (None, "none"), (
            "one that was removed is disassociated"
        )


def test_each_class_names_the_controller_and_its_parameters(graph: Graph) -> None:
    for one in graph.of_kind("IngressClass"):
        assert one.spec["controller"] == "ingress.k8s.aws/alb"
        assert one.spec["parameters"] == {
            "apiGroup": "elbv2.k8s.aws",
            "kind": "IngressClassParams",
            "name": one.metadata["name"],
        }


@pytest.mark.parametrize(("namespaces", "cidrs"), [([], ["203.0.113.0/24"]), (["prod"], [])])
def test_a_class_without_namespaces_or_ranges_is_refused(namespaces: list[str], cidrs: list[str]) -> None:
    with pytest.raises(ValueError, match="at least one namespace and one range"):
        IngressClassArgs(namespaces=namespaces, inbound_cidrs=cidrs, subnet_ids=["subnet-1"])


def test_an_ingress_cannot_choose_another_load_balancer(graph: Graph) -> None:
    values = graph.release(NAME).inputs["values"]
    assert values["disableIngressGroupNameAnnotation"] is True
    assert values["disableIngressClassAnnotation"] is True
    assert values["createIngressClassResource"] is False


def test_the_controller_is_pinned_and_needs_no_instance_metadata(known: Graph) -> None:
    release = known.release(NAME)
    assert release.inputs["version"] == versions.AWS_LOAD_BALANCER_CONTROLLER_CHART
    assert release.inputs["repositoryOpts"] == {"repo": "https://aws.github.io/eks-charts"}
    values = release.inputs["values"]
    assert (values["clusterName"], values["region"]) == (f"hello-{stack_of(known)}", "ap-northeast-2")
    assert values["vpcId"].startswith("vpc-")
    assert values["enableServiceMutatorWebhook"] is False
    assert values["keepTLSSecret"] is True


def test_the_rehearsal_has_the_crds_of_the_charts_release() -> None:
    text = (LOAD_BALANCER_CONTROLLER.folder / "go.mod").read_text(encoding="utf-8")
    assert f"// {versions.AWS_LOAD_BALANCER_CONTROLLER_CHART}: " in text


def test_ingresses_depend_on_the_controller(graph: Graph) -> None:
    release = graph.release(NAME).urn
    for one in [*graph.of_kind("Ingress"), *graph.of_kind("IngressClass"), *graph.of_kind("IngressClassParams")]:
        assert release in graph.after_all(one), one.urn
    for one in graph.of_kind("Ingress"):
        assert one.deleted_with is None, one.urn


def test_the_controllers_webhooks_are_ready_before_the_first_ingress(graph: Graph) -> None:
    """The Helm release waits for ready pods: without them the API server rejects Ingresses and IngressClassParams."""
    release = graph.release(NAME).inputs
    assert not release.keys() & {"skipAwait", "disableWebhooks", "skipCrds"}
    assert not release["values"].keys() & {"webhookConfig", "enableEndpointSlices", "webhookNamespaceSelectors"}


def test_the_controller_may_change_resources_of_this_cluster_only(graph: Graph) -> None:
    """Except for listeners, rules and targets, which the documented policy does not restrict by tag either."""
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
