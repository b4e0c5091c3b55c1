"""The EKS add-ons that the stand-in has: what of them stands in the cluster. To add one, add its module below."""

from __future__ import annotations

import json
from typing import Any

from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.aws.addons import (
    coredns,
    ebs_csi_driver,
    kube_proxy,
    metrics_server,
    pod_identity_agent,
    vpc_cni,
)
from rehearsal.stand_ins.aws.addons.addon import AddonKind
from rehearsal.stand_ins.aws.errors import AwsError
from rehearsal.stand_ins.values import problems
from rehearsal.stand_ins.workloads import marked
from release.kubernetes_api import KubernetesObject

ADDONS: dict[str, AddonKind] = {
    module.ADDON.name: module.ADDON
    for module in (coredns, ebs_csi_driver, kube_proxy, metrics_server, pod_identity_agent, vpc_cni)
}


def addon_kind(name: str) -> AddonKind:
    """The add-on of a name.

    Raises:
        RehearsalError: The stand-in has no such add-on.
    """
    if name not in ADDONS:
        raise RehearsalError(
            f"the aws stand-in has no add-on {name}",
            remedy="Add a module for it to rehearsal/stand_ins/aws/addons/, with what it has in the cluster.",
        )
    return ADDONS[name]


def judge(name: str, configuration_values: str) -> None:
    """Refuses a configuration that the add-on's schema does not have.

    Raises:
        AwsError: `InvalidParameterException`, in EKS' words.
        RehearsalError: The stand-in has no such add-on.
    """
    found = list(problems(addon_kind(name).schema, _parsed(configuration_values)))
    if found:
        raise AwsError(
            "InvalidParameterException",
            "ConfigurationValue provided in request is not supported: Json schema validation failed with error: "
            f"[{', '.join(found)}]",
        )


def objects(name: str, version: str, configuration_values: str) -> list[KubernetesObject]:
    """What of an add-on stands in the cluster, marked as a stand-in."""
    made = addon_kind(name).objects(_parsed(configuration_values), version)
    return marked(made, mark(name))


def mark(name: str) -> str:
    """What its objects say that they stand in for."""
    return f"addon-{name}"


def _parsed(configuration_values: str) -> dict[str, Any]:
    return json.loads(configuration_values) if configuration_values else {}
