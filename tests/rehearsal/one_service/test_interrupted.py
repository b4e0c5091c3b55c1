"""A run that fails or is killed halfway is reported, and the next one completes it without duplicates."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import psutil
import pytest

from rehearsal import status, workspace
from rehearsal.emulators.aws.account import Account
from rehearsal.errors import RehearsalError
from rehearsal.layout import CHECKOUT
from rehearsal.lifecycle import Rehearsal
from rehearsal.processes import ProcessTable
from tests.rehearsal import faulty_provider
from tests.rehearsal.conftest import eventually
from tests.rehearsal.faulty_provider import Fault
from tests.rehearsal.one_service import before
from tests.rehearsal.stacks import exported_state

ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
SUBNET = "aws:ec2/subnet:Subnet"
RELEASE = "kubernetes:helm.sh/v3:Release"

WITH_FAULTS = f"""
import os
from pathlib import Path
from rehearsal import cli, workspace
from tests.rehearsal.one_service import before
workspace.EMULATORS["aws"] = "{faulty_provider.MODULE}"
with before.used(Path(os.environ["PROGRAM"])):
    cli.main()
"""


@pytest.fixture(scope="module", autouse=True)
def with_faults(program_before: Path) -> Iterator[None]:
    """AWS fails when it is told to; Kubernetes is the minor version before's."""
    with before.used(program_before), pytest.MonkeyPatch.context() as patch:
        patch.setitem(workspace.EMULATORS, "aws", faulty_provider.MODULE)
        yield


def said(rehearsal: Rehearsal) -> str:
    """What a person has read so far."""
    assert isinstance(rehearsal.console.file, StringIO)
    return rehearsal.console.file.getvalue()


def assert_whole_and_nothing_twice(rehearsal: Rehearsal) -> None:
    """Every resource of the state is in the account once, and the other way round; every live slot is ready."""
    records = Account.load(rehearsal.layout).records()
    twice = [urn for urn, number in Counter(record.urn for record in records).items() if number > 1]
    assert twice == []
    in_state = {urn for urn in rehearsal.open().resources() if urn.split("::")[2].split("$")[-1].startswith("aws:")}
    assert {record.urn for record in records} == in_state
    slots = status.slot_table(rehearsal.api(), rehearsal.outputs())
    assert slots
    assert all(slot.ready == slot.wanted for slot in slots)


def lasting_pods(rehearsal: Rehearsal) -> set[str]:
    """UIDs of all pods but those of Jobs, which come and go every ten minutes."""
    return {
        pod["metadata"]["uid"]
        for pod in rehearsal.api().list("v1", "Pod")
        if pod["metadata"]["ownerReferences"][0]["kind"] != "Job"
    }


def forget(rehearsal: Rehearsal, urn: str, *, done: bool = True) -> None:
    """Makes the state what a kill leaves while a resource is created.

    In the backend's own file: `pulumi stack import` would drop pending operations.

    Args:
        rehearsal: The rehearsal.
        urn: The resource.
        done: Whether it was created, and only the engine's note of that is missing. Otherwise no resource in the state
            depends on it, since the engine creates those after it.
    """
    layout = rehearsal.layout
    stacks = (layout.state / ".pulumi" / "stacks").rglob("dev.json*")
    (file,) = (path for path in stacks if path.name in ("dev.json", "dev.json.zst"))
    exported = json.loads(exported_state(layout, "dev"))
    deployment = exported["deployment"]
    (lost,) = (one for one in deployment["resources"] if one["urn"] == urn)
    deployment["resources"].remove(lost)
    if not done:
        for resource in deployment["resources"]:
            for urns in (resource.get("dependencies", []), *resource.get("propertyDependencies", {}).values()):
                if urn in (urns or []):
                    urns.remove(urn)
    under_way = {key: value for key, value in lost.items() if key not in ("id", "outputs")}
    deployment["pending_operations"] = [
        *(deployment.get("pending_operations") or []),
        {"resource": under_way, "type": "creating"},
    ]
    checkpoint = {"stack": "organization/hello-platform/dev", "latest": deployment}
    file.unlink()
    file.with_name("dev.json").write_text(json.dumps({"version": exported["version"], "checkpoint": checkpoint}))


@contextmanager
def refused_by_admission(rehearsal: Rehearsal, message: str) -> Generator[None]:
    """The API server refuses new network policies, as a policy engine of the cluster's owner would."""
    group, name = "admissionregistration.k8s.io/v1", "refuse"
    creations = {
        "apiGroups": ["networking.k8s.io"],
        "apiVersions": ["v1"],
        "resources": ["networkpolicies"],
        "operations": ["CREATE"],
    }
    policy = {
        "matchConstraints": {"resourceRules": [creations]},
        "validations": [{"expression": "false", "message": message}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    kinds = {"ValidatingAdmissionPolicy": policy, "ValidatingAdmissionPolicyBinding": binding}
    for kind, spec in kinds.items():
        rehearsal.api().create({"apiVersion": group, "kind": kind, "metadata": {"name": name}, "spec": spec})
    yield
    for kind in kinds:
        rehearsal.api().delete(group, kind, name)


def test_a_run_that_was_killed_or_failed_at_aws_or_in_the_cluster_is_completed_by_the_next(
    rehearsal: Rehearsal,
) -> None:
    log = rehearsal.layout.logs / "pulumi-up.log"
    faulty_provider.write(rehearsal.layout, {SUBNET: Fault(delay=30.0)})
    kill_the_engine(rehearsal, once=lambda: log.exists() and "aws:ec2:Subnet" in log.read_text())

    # Associations depend on subnets, so that none was made before the engine was killed.
    faulty_provider.write(rehearsal.layout, {ASSOCIATION: Fault(fail="EC2 has a bad day", after=1)})
    with pytest.raises(RehearsalError, match=r"up did not succeed: .*EC2 has a bad day"):
        rehearsal.up()
    assert "Removed the lock of an engine that is gone" in said(rehearsal)
    assert "the rehearsal begins anew" in said(rehearsal)

    faulty_provider.write(rehearsal.layout, {ASSOCIATION: Fault(delay=30.0)})
    kill_the_engine(rehearsal, once=lambda: ASSOCIATION in pending_creates(rehearsal))

    faulty_provider.write(rehearsal.layout, {})
    with (
        refused_by_admission(rehearsal, "admission has a bad day"),
        pytest.raises(RehearsalError, match=r"up did not succeed: .*admission has a bad day"),
    ):
        rehearsal.up()
    assert "An interrupted run left" in said(rehearsal)

    rehearsal.up()
    assert said(rehearsal).count("the rehearsal begins anew") == 1
    assert_whole_and_nothing_twice(rehearsal)


def pending_creates(rehearsal: Rehearsal) -> set[str]:
    """Types of the resources whose creation the engine's state has begun."""
    state: dict[str, Any] = json.loads(exported_state(rehearsal.layout, "dev"))["deployment"]
    operations: list[dict[str, Any]] = state.get("pending_operations") or []
    return {one["resource"]["type"] for one in operations if one["type"] == "creating"}


def kill_the_engine(rehearsal: Rehearsal, *, once: Callable[[], bool]) -> None:
    """Kills the engine of an `up` once something is so."""
    options = ["--directory", rehearsal.layout.directory, "--stacks", rehearsal.stacks]
    command = [sys.executable, "-c", WITH_FAULTS, "up", *options]
    running = subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env={**os.environ, "PROGRAM": str(workspace.CHECKOUT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 300
        while not once():
            assert running.poll() is None, "up ended before that"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        engines = [child for child in psutil.Process(running.pid).children() if child.name() == "pulumi"]
        assert len(engines) == 1
        os.kill(engines[0].pid, signal.SIGKILL)
        assert running.wait(timeout=60) == 1
    finally:
        running.kill()
        running.wait()


def test_creates_whose_end_the_engine_did_not_see_are_adopted_after_the_control_plane_was_killed_too(
    rehearsal: Rehearsal,
) -> None:
    if not rehearsal.layout.kubeconfig.exists():
        rehearsal.up()  # this test by itself
    pods = lasting_pods(rehearsal)
    (endpoint,) = Account.load(rehearsal.layout).records("aws:ec2/vpcEndpoint:VpcEndpoint")
    releases = {urn.rpartition(":")[2]: urn for urn in rehearsal.open().resources() if RELEASE in urn}
    done, begun = releases["aws-load-balancer-controller"], releases["cluster-autoscaler"]
    forget(rehearsal, endpoint.urn)
    forget(rehearsal, done)
    forget(rehearsal, begun, done=False)
    status = {"op": "replace", "path": "/metadata/labels/status", "value": "pending-install"}
    for record in rehearsal.api().list("v1", "Secret", label_selector="owner=helm,name=cluster-autoscaler"):
        meta = record["metadata"]
        rehearsal.api().json_patch("v1", "Secret", meta["name"], [status], namespace=meta["namespace"])
    for record in ProcessTable(rehearsal.layout.processes).running():
        os.kill(record.pid, signal.SIGKILL)
    eventually(lambda: not ProcessTable(rehearsal.layout.processes).running(), "the processes are gone")
    with pytest.raises(RehearsalError, match=r"does not run[\s\S]*make up"):
        rehearsal.api()

    rehearsal.up()
    assert "left 3 pending create(s), of which 2 were completed" in said(rehearsal)
    assert {endpoint.urn, done, begun} <= set(rehearsal.open().resources())
    assert_whole_and_nothing_twice(rehearsal)
    assert lasting_pods(rehearsal) == pods
