"""What an add-on has in the local API server."""

from __future__ import annotations

from rehearsal.layout import Layout
from rehearsal.stand_ins import in_cluster
from rehearsal.stand_ins.aws import addons
from rehearsal.stand_ins.aws.account import Account, Record
from rehearsal.stand_ins.aws.errors import AwsError
from rehearsal.stand_ins.aws.local_cluster import answering
from rehearsal.stand_ins.aws.properties import Properties

MANAGER = "eks"
"""The field manager that EKS applies add-ons as.

https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-field-management.html
"""

SECONDS_TO_BE_HEALTHY = 120.0


def converge(layout: Layout, record: Record, _account: Account) -> Properties:
    """Brings an add-on's objects into the cluster, and waits until their pods are ready.

    Raises:
        AwsError: They are not.
        RehearsalError: The API server does not answer, or refuses an object.
    """
    name = str(record.inputs["addonName"])
    wanted = addons.objects(
        name, str(record.outputs.get("addonVersion", "")), str(record.inputs.get("configurationValues") or "")
    )
    with answering(layout, f"add-on {name}") as api:
        in_cluster.bring(api, addons.mark(name), wanted, manager=MANAGER)
        missing = in_cluster.waits_for(api, wanted, SECONDS_TO_BE_HEALTHY)
    if missing:
        raise AwsError(
            "InsufficientNumberOfReplicas",
            "The add-on is unhealthy because it doesn't have the desired number of replicas. " + "; ".join(missing),
        )
    return {}


def dissolve(layout: Layout, record: Record) -> None:
    """Takes an add-on's objects out of the cluster, unless it says that they are to be kept.

    Raises:
        RehearsalError: The API server does not answer.
    """
    if record.inputs.get("preserve") or not layout.kubeconfig.exists():
        return
    name = str(record.inputs["addonName"])
    with answering(layout, f"add-on {name}") as api:
        in_cluster.bring(api, addons.mark(name), [], manager=MANAGER)
