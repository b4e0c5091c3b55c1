"""Deletion protection of AWS resources."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from kube.client import KubernetesApi
from rehearsal import aws
from rehearsal.aws import DELETION_PROTECTION
from rehearsal.emulators.aws.account import changing
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Resource
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

PROTECTIONS = {
    "aws:cloudwatch/logGroup:LogGroup": "deletionProtectionEnabled",
    "aws:eks/cluster:Cluster": "deletionProtection",
}
"""The input that enables deletion protection, by type.

https://docs.aws.amazon.com/eks/latest/userguide/deletion-protection.html
"""

SECONDS_TO_BE_LIFTED = 60


def check(resource: Resource) -> None:
    """Refuses to delete a protected resource: raises `AwsError`."""
    if any(resource.inputs.get(name) for name in PROTECTIONS.values()):
        raise AwsError(
            "InvalidRequestException", f"{resource.id} cannot be deleted because it has deletion protection enabled"
        )


def lift(layout: Layout) -> list[str]:
    """Disables deletion protection of all resources in the account, as `protect: false` and an `up` would.

    Returns:
        The ids of the resources that were protected.

    Raises:
        RehearsalError: The load balancer controller did not change its load balancers in time.
    """
    if not layout.aws_account.exists():
        return []
    with changing(layout) as account:
        protected = [record for record in account.records() if record.inputs.get(PROTECTIONS.get(record.type, ""))]
        for record in protected:
            off = {PROTECTIONS[record.type]: False}
            account.put(replace(record, inputs={**record.inputs, **off}, outputs={**record.outputs, **off}))
    return [record.id for record in protected] + _lift_of_load_balancers(layout)


def _lift_of_load_balancers(layout: Layout) -> list[str]:
    """Changes the IngressClassParams: the controller would set what is changed in the account only again.

    As the program's field manager, so that a later `up` does not conflict.
    """
    balancers = _protected_load_balancers(layout)
    if not balancers:
        return []
    api = KubernetesApi(layout.kubeconfig)
    for params in api.list("elbv2.k8s.aws/v1beta1", "IngressClassParams"):
        metadata, spec = params["metadata"], params["spec"]
        manager = next(one["manager"] for one in metadata["managedFields"] if one["operation"] == "Apply")
        attributes = [
            {**one, "value": "false"} if one["key"] == DELETION_PROTECTION else one
            for one in spec["loadBalancerAttributes"]
        ]
        kept = {name: metadata[name] for name in ("name", "labels", "annotations") if name in metadata}
        changed = {"metadata": kept, "spec": {**spec, "loadBalancerAttributes": attributes}}
        kind = {"apiVersion": "elbv2.k8s.aws/v1beta1", "kind": "IngressClassParams"}
        api.apply({**kind, **changed}, field_manager=manager, force=True)
    end = time.monotonic() + SECONDS_TO_BE_LIFTED
    while left := _protected_load_balancers(layout):
        if time.monotonic() > end:
            raise RehearsalError(
                f"deletion protection is still on: {', '.join(left)}",
                remedy=f"See the load balancer controller's log in {layout.logs}/pods, then run the command again.",
            )
        time.sleep(0.5)
    return balancers


def _protected_load_balancers(layout: Layout) -> list[str]:
    elbv2: Any = aws.client(layout, "elbv2", region=aws.region(layout))
    arns = [str(balancer["LoadBalancerArn"]) for balancer in elbv2.describe_load_balancers()["LoadBalancers"]]
    on = {"Key": DELETION_PROTECTION, "Value": "true"}
    return [arn for arn in arns if on in elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]]
