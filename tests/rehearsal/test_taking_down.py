"""The destroy of a stack, after all other tests with the fixture `platform`."""

from __future__ import annotations

import time

import psutil

from rehearsal import aws, control_plane, leftovers
from rehearsal.emulators.aws import protection
from rehearsal.emulators.aws.account import Account
from rehearsal.lifecycle import Rehearsal
from rehearsal.processes import ProcessTable
from tests.rehearsal.conftest import eventually
from tests.rehearsal.stacks import ON_PROD, Recorder

INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
CONTROLLER = "kubernetes:helm.sh/v3:Release::aws-load-balancer-controller"

SECONDS_TO_ACT = 20
"""With a route, the controller takes less than five to let go of an Ingress."""


@ON_PROD
def test_a_controller_that_no_route_leads_to_aws_keeps_its_ingress(platform: Rehearsal) -> None:
    """So a destroy that takes routes away before Ingresses would not end."""
    layout, api = platform.layout, platform.api()
    ec2 = aws.client(layout, "ec2", region=aws.region(layout))
    taken = [
        {"RouteTableId": table["RouteTableId"], "NatGatewayId": route["NatGatewayId"]}
        for table in ec2.describe_route_tables()["RouteTables"]
        for route in table["Routes"]
        if "NatGatewayId" in route
    ]
    for one in taken:
        ec2.delete_route(RouteTableId=one["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")
    try:
        api.delete("networking.k8s.io/v1", "Ingress", "prod", "prod")
        time.sleep(SECONDS_TO_ACT)
        kept = api.get("networking.k8s.io/v1", "Ingress", "prod", "prod")
        assert kept is not None
        assert kept["metadata"]["finalizers"] == ["group.ingress.k8s.aws/public"]
    finally:
        for one in taken:
            ec2.create_route(DestinationCidrBlock="0.0.0.0/0", **one)
    eventually(
        lambda: api.get("networking.k8s.io/v1", "Ingress", "prod", "prod") is None, "the Ingress is gone", seconds=120
    )


def test_down_leaves_nothing(platform: Rehearsal) -> None:
    layout = platform.layout
    processes = [psutil.Process(record.pid) for record in ProcessTable(layout.processes).running()]
    assert len(processes) >= len(control_plane.TRAFFIC)
    platform.open().unprotect()
    protection.lift(layout)
    recorder = Recorder()
    platform.open().destroy(recorder)

    order = list(recorder.operations)
    ingresses = [place for place, name in enumerate(order) if name.startswith(INGRESS)]
    node_groups = [place for place, name in enumerate(order) if name.startswith("aws:eks/nodeGroup")]
    assert max(ingresses) < order.index(CONTROLLER) < min(node_groups)
    assert platform.open().resources() == []
    assert Account.load(layout).records() == ()
    assert leftovers.in_account(layout, aws.region(layout)) == []
    api = platform.api()
    assert {one["metadata"]["name"] for one in api.list("v1", "Namespace")} == leftovers.SYSTEM_NAMESPACES
    assert api.list("v1", "Node") == []
    assert api.list("v1", "Pod") == []
    assert api.list("networking.k8s.io/v1", "IngressClass") == []

    platform.down()
    assert not layout.directory.exists()
    assert [process for process in processes if process.is_running()] == []
