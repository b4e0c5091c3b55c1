"""What an interrupted engine left is found, and added to the state once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from kube.client import KubernetesApi
from rehearsal import recovery
from rehearsal.emulators.aws.account import Account, Record
from rehearsal.errors import RehearsalError
from rehearsal.layout import DIRECTORY_VARIABLE, Layout

VPC = "urn:pulumi:dev::hello-platform::aws:ec2/vpc:Vpc::hello-dev"
NAMESPACE = "urn:pulumi:dev::hello-platform::kubernetes:core/v1:Namespace::dev"


class OneNamespace:
    """An API server with one object: namespace dev."""

    def get(self, _version: str, kind: str, name: str, _namespace: str | None) -> dict[str, Any] | None:
        """The object, if it is that."""
        return {} if (kind, name) == ("Namespace", "dev") else None


API = cast("KubernetesApi", OneNamespace())


def creating(urn: str, **inputs: Any) -> dict[str, Any]:
    return {"type": "creating", "resource": {"urn": urn, "type": urn.split("::")[2], "inputs": inputs}}


def record(identifier: str) -> Record:
    return Record("aws:ec2/vpc:Vpc", VPC, identifier, {}, {})


def test_a_create_that_aws_did_is_put_into_the_state_with_its_id() -> None:
    state = {"resources": [], "pending_operations": [creating(VPC)]}
    creates = recovery.pending_creates(Account([record("vpc-1")]), API, state)
    assert recovery.taken_up(state, creates) == {
        "resources": [{**creating(VPC)["resource"], "id": "vpc-1"}],
        "pending_operations": [],
    }


def test_a_create_that_aws_did_not_do_is_cleared() -> None:
    state = {"resources": [], "pending_operations": [creating(VPC)]}
    creates = recovery.pending_creates(Account([]), API, state)
    assert len(creates) == 1
    assert recovery.taken_up(state, creates) == {"resources": [], "pending_operations": []}


def test_what_the_state_has_already_is_not_put_into_it_again() -> None:
    known = {"urn": VPC, "id": "vpc-1"}
    state = {"resources": [known], "pending_operations": [creating(VPC)]}
    assert recovery.pending_creates(Account([record("vpc-1")]), API, state)[0].identifier is None
    both = recovery.pending_creates(Account([record("vpc-1"), record("vpc-2")]), API, state)
    assert both[0].identifier == "vpc-2"


@pytest.mark.parametrize(("name", "identifier"), [("dev", "dev"), ("prod", None), (None, None)])
def test_a_kubernetes_object_is_found_by_its_name(name: str | None, identifier: str | None) -> None:
    operation = creating(NAMESPACE, apiVersion="v1", kind="Namespace", metadata={"name": name})
    (create,) = recovery.pending_creates(Account([]), API, {"pending_operations": [operation]})
    assert create.identifier == identifier


class Helm:
    """An API server with Helm's records of release tools/x, by their status."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = {f"sh.helm.release.v1.x.v{number}": status for number, status in enumerate(statuses, start=1)}

    def list(self, _version: str, _kind: str, *, namespace: str, label_selector: str) -> list[dict[str, Any]]:
        """Those of the release."""
        if (namespace, label_selector) != ("tools", "owner=helm,name=x"):
            return []
        return [
            {"metadata": {"name": name, "namespace": namespace, "labels": {"name": "x", "status": status}}}
            for name, status in self.statuses.items()
        ]

    def delete(self, _version: str, kind: str, name: str, namespace: str) -> None:
        """Deletes one of them."""
        assert (kind, namespace) == ("Secret", "tools")
        del self.statuses[name]


RELEASE = "urn:pulumi:dev::hello-platform::kubernetes:helm.sh/v3:Release::x"


@pytest.mark.parametrize(
    ("statuses", "identifier", "left"),
    [
        (("deployed",), "tools/x", 1),
        (("superseded", "deployed"), "tools/x", 2),
        (("pending-install",), None, 0),
        (("failed",), None, 0),
        ((), None, 0),
    ],
)
def test_a_helm_release_that_is_installed_is_found_and_one_that_is_not_gives_its_name_free(
    statuses: tuple[str, ...], identifier: str | None, left: int
) -> None:
    helm = Helm(*statuses)
    operations = [creating(RELEASE, name="x", namespace="tools"), creating(RELEASE, name="other", namespace="tools")]
    creates = recovery.pending_creates(Account([]), cast("KubernetesApi", helm), {"pending_operations": operations})
    assert [one.identifier for one in creates] == [identifier, None]
    recovery.drop_unfinished_releases(cast("KubernetesApi", helm), creates)
    assert len(helm.statuses) == left


def test_a_create_of_anything_else_takes_no_record_away() -> None:
    helm = Helm("pending-install")
    creates = [recovery.PendingCreate({"urn": VPC, "type": "aws:ec2/vpc:Vpc", "inputs": {"name": "x"}}, None)]
    recovery.drop_unfinished_releases(cast("KubernetesApi", helm), creates)
    assert len(helm.statuses) == 1


@pytest.mark.parametrize(
    "naming",
    [
        {"dependencies": [VPC]},
        {"propertyDependencies": {"vpcId": [VPC], "tags": None}},
        {"parent": VPC},
        {"deletedWith": VPC},
        {"provider": f"{VPC}::vpc-1"},
    ],
)
def test_what_was_made_stands_before_whatever_names_it(naming: dict[str, Any]) -> None:
    before, user = {"urn": "urn:before"}, {"urn": "urn:user", **naming}
    state = {"resources": [before, user, {"urn": "urn:after"}], "pending_operations": [creating(VPC)]}
    creates = recovery.pending_creates(Account([record("vpc-1")]), API, state)
    assert [one["urn"] for one in recovery.taken_up(state, creates)["resources"]] == [
        "urn:before",
        VPC,
        "urn:user",
        "urn:after",
    ]


def test_other_operations_are_left_to_the_engine() -> None:
    deleting = {**creating(VPC), "type": "deleting"}
    state = {"resources": [], "pending_operations": [deleting]}
    assert recovery.pending_creates(Account([record("vpc-1")]), API, state) == []
    assert recovery.taken_up(state, [])["pending_operations"] == [deleting]


def lock(layout: Layout, pid: int) -> Path:
    path = layout.state / ".pulumi" / "locks" / "organization" / "hello-platform" / "dev" / "1.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"pid": pid}))
    return path


def test_the_lock_of_a_process_that_is_gone_is_removed(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    path = lock(Layout(tmp_path), gone.pid)
    assert recovery.break_stale_lock(Layout(tmp_path))
    assert not path.exists()
    assert not recovery.break_stale_lock(Layout(tmp_path))


def test_the_lock_of_a_process_that_runs_is_respected(tmp_path: Path) -> None:
    path = lock(Layout(tmp_path), os.getpid())
    with pytest.raises(RehearsalError, match=f"process {os.getpid()}"):
        recovery.break_stale_lock(Layout(tmp_path))
    assert path.exists()


SLEEP = "import time; time.sleep(60)"
PROVIDERS = [["pulumi-resource-aws", "-c", SLEEP], ["python", "-c", SLEEP, "-m", "rehearsal.emulators.aws"]]


@pytest.mark.parametrize("command", PROVIDERS, ids=["program", "module"])
def test_a_provider_that_outlived_its_engine_is_ended(tmp_path: Path, command: list[str]) -> None:
    layouts = Layout(tmp_path / "up"), Layout(tmp_path / "other")
    orphan, provider_of_another = (
        subprocess.Popen(command, executable=sys.executable, env=environment(layout)) for layout in layouts
    )
    try:
        recovery.end_orphaned_providers(layouts[0])
        assert orphan.poll() is not None
        assert provider_of_another.poll() is None
    finally:
        orphan.kill()
        provider_of_another.kill()


def test_a_provider_whose_engine_runs_is_not_ended(tmp_path: Path) -> None:
    layout, engine = Layout(tmp_path / "up"), tmp_path / "pulumi"
    engine.symlink_to(sys.executable)
    run = "import subprocess, sys; print(subprocess.Popen(sys.argv[2:], executable=sys.argv[1]).pid, flush=True); "
    command = [engine, "-c", run + SLEEP, sys.executable, *PROVIDERS[0]]
    with subprocess.Popen(command, env=environment(layout), stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        provider = psutil.Process(int(parent.stdout.readline()))
        try:
            recovery.end_orphaned_providers(layout)
            assert provider.status() != psutil.STATUS_ZOMBIE
        finally:
            provider.kill()
            parent.kill()


def environment(layout: Layout) -> dict[str, str]:
    return {**os.environ, DIRECTORY_VARIABLE: str(layout.directory)}
