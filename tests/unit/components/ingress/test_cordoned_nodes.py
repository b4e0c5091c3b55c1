"""Nodes that are cordoned leave the load balancers; `tests/traffic/test_nodes_leave.py` tries the policy under load."""

from __future__ import annotations

from tools.program.graph import Graph, every

NAME = "hello-cordoned-nodes"


def test_only_a_cordon_and_its_end_are_changed_and_neither_ever_fails(graph: Graph) -> None:
    (policy,) = (one for one in graph.of_kind("MutatingAdmissionPolicy") if one.name == NAME)
    assert policy.spec["failurePolicy"] == "Ignore"
    (rule,) = policy.spec["matchConstraints"]["resourceRules"]
    assert (rule["resources"], rule["operations"]) == (["nodes"], ["UPDATE"])
    who, what = policy.spec["matchConditions"]
    cordoned = "spec.?unschedulable.orValue(false)"
    assert what["expression"] == f"object.{cordoned} != oldObject.{cordoned}"
    assert who["expression"] == "request.userInfo.username != 'eks:node-manager'", "EKS cordons all of a group at once"


def test_it_is_bound_to_the_whole_cluster(known: Graph) -> None:
    (binding,) = (one for one in known.of_kind("MutatingAdmissionPolicyBinding") if one.name == NAME)
    assert binding.spec == {"policyName": NAME}


def test_it_is_there_before_any_node_that_could_leave(graph: Graph) -> None:
    (binding,) = (one for one in graph.of_kind("MutatingAdmissionPolicyBinding") if one.name == NAME)
    for group in every(graph.of_type("eks:index:ManagedNodeGroup")):
        assert binding.urn in graph.after_all(group)


def test_a_stack_that_had_it_among_the_load_balancers_keeps_it(graph: Graph) -> None:
    (component,) = graph.of_type("hello:platform:CordonedNodes")
    (load_balancers,) = graph.of_type("hello:platform:FrontDoor")
    assert component.earlier_parents == (load_balancers.urn,)
