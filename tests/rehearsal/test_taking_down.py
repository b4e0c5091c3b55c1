"""The end of a stack, after all that other tests did to it: the last file that has the fixture `platform`."""

from __future__ import annotations

import psutil

from rehearsal import aws, control_plane, leftovers
from rehearsal.aws import contents
from rehearsal.display import EngineDisplay
from rehearsal.lifecycle import Rehearsal
from rehearsal.processes import ProcessTable
from rehearsal.stand_ins.aws import protection
from rehearsal.stand_ins.aws.account import Account


def test_down_leaves_nothing(platform: Rehearsal) -> None:
    layout = platform.layout
    processes = [psutil.Process(record.pid) for record in ProcessTable(layout.processes).running()]
    assert len(processes) >= len((*control_plane.NETWORK, *control_plane.START_ORDER, *control_plane.TRAFFIC))
    platform.open().unprotect()
    protection.lift(layout)
    platform.open().destroy(EngineDisplay(platform.console, "destroy"))

    assert platform.open().resources() == []
    assert Account.load(layout).records() == ()
    assert contents.of(layout, aws.region(layout)) == []
    api = platform.api()
    assert {one["metadata"]["name"] for one in api.list("v1", "Namespace")} == leftovers.SYSTEM_NAMESPACES
    assert api.list("v1", "Node") == []
    assert api.list("v1", "Pod") == []
    assert api.list("networking.k8s.io/v1", "IngressClass") == []

    platform.down()
    assert not layout.directory.exists()
    assert [process for process in processes if process.is_running()] == []
