"""The weights in the load balancer's rules, as ELBv2 has them, whatever the Ingress asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from contract.blue_green import SLOTS, slot_name
from release import aws
from release.errors import ReleaseError
from release.objects import ObjectReader
from release.state import ServiceState
from release.target_groups import target_groups

LOOK_SECONDS = 2
"""From one look at the rules to the next at most, which takes three calls. All of an account's programs have ten calls
`Describe…` a second together, and a stock of forty; the load balancer controller needs some.

https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html
"""

Weights: TypeAlias = Mapping[str, int]
"""Shares by slot, in percent."""


def pause_seconds(waited: float) -> float:
    """How long to wait for the next look: a while at first, as most rules follow soon."""
    return min(LOOK_SECONDS, 0.5 + waited / 2)


def weights_in_effect(
    api: ObjectReader, state: ServiceState, client: Callable[[str], Any] | None = None
) -> Weights | None:
    """The weights of a service's slots in all rules that forward to them; None if these differ, or there are none.

    Args:
        api: The API server.
        state: The service.
        client: A boto3 client of ELBv2, by region; by default one with the ambient credentials.

    Raises:
        ReleaseError: ELBv2 refused, or did not answer.
    """
    services = {slot_name(state.service, slot): slot for slot in SLOTS}
    bound = target_groups(api, state.environment, services)
    groups = {bound[name][0]: slot for name, slot in services.items() if name in bound}
    if len(groups) < len(SLOTS):
        return None
    region = next(iter(groups)).split(":")[3]
    elbv2 = client(region) if client else aws.client("elbv2", region)
    try:
        found = [_shares(action, groups) for action in _actions(elbv2, list(groups))]
    except aws.errors() as error:
        raise ReleaseError(
            f"ELBv2 does not tell the rules of {state.service}: {error}",
            remedy="does this identity have elasticloadbalancing:DescribeTargetGroups, DescribeListeners and "
            "DescribeRules? See docs/how-to/canary.md",
        ) from None
    return found[0] if found and all(one == found[0] for one in found) else None


def _actions(elbv2: Any, groups: list[str]) -> Iterator[dict[str, int]]:
    """The weights by target group of each rule's action that forwards to one of the groups."""
    described = elbv2.describe_target_groups(TargetGroupArns=groups)["TargetGroups"]
    for load_balancer in sorted({arn for group in described for arn in group["LoadBalancerArns"]}):
        for listener in _pages(elbv2, "describe_listeners", "Listeners", LoadBalancerArn=load_balancer):
            if listener["Protocol"] == "HTTP":
                continue  # it redirects to HTTPS, by its default action
            for rule in _pages(elbv2, "describe_rules", "Rules", ListenerArn=listener["ListenerArn"]):
                for action in rule["Actions"]:
                    targets = action.get("ForwardConfig", {}).get("TargetGroups", [])
                    weights = {target["TargetGroupArn"]: int(target.get("Weight", 1)) for target in targets}
                    if not weights.keys().isdisjoint(groups):
                        yield weights


def _shares(weights: dict[str, int], groups: Mapping[str, str]) -> dict[str, int]:
    """The shares of the slots; what other target groups get is missing in their sum."""
    total = sum(weights.values()) or 1
    return {slot: round(100 * weights.get(arn, 0) / total) for arn, slot in groups.items()}


def _pages(elbv2: Any, operation: str, key: str, **arguments: str) -> Iterator[dict[str, Any]]:
    for page in elbv2.get_paginator(operation).paginate(**arguments):
        yield from page[key]
