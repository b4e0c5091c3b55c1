"""Elasticsearch changes in size and version through the real operator, which asks it before it ends a pod."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

import versions
from kube.client import KubernetesApi
from rehearsal import aws
from rehearsal.emulators.volumes import NAME_TAG
from rehearsal.errors import RehearsalError
from rehearsal.layout import CHECKOUT
from rehearsal.lifecycle import Rehearsal
from rehearsal.network import namespace
from rehearsal.processes import ProcessTable
from tests.rehearsal.conftest import eventually
from tests.rehearsal.elasticsearch.__main__ import SELECTOR, VERSION, running
from tests.rehearsal.stacks import ON_PROD, Recorder, changes, run_up

LOGGING, SETTINGS = "logging", "hello-platform:logs"
NODES = 3
"""As many as the stack prod of the tests has."""

NEXT_MINOR = "9.6.0"
MINUTES = 6 * 60.0

needs_network = pytest.mark.skipif(namespace.refusal() is not None, reason="no network namespace is to be had")


@pytest.fixture
def story(platform: Rehearsal, tmp_path: Path) -> Generator[Path]:
    """Elasticsearch's API at its pods; the file of what happens to its nodes and shards."""
    holder = namespace.find_holder(ProcessTable(platform.layout.processes))
    assert holder is not None
    log = tmp_path / "elasticsearch"
    with running(platform.layout, holder.pid, log):
        eventually(lambda: is_settled(platform.api(), NODES), "the operator reaches Elasticsearch", MINUTES)
        yield log


def object_of(api: KubernetesApi, kind: str) -> dict[str, Any]:
    (one,) = api.list(f"{kind.lower()}.k8s.elastic.co/v1", kind, namespace=LOGGING)
    return one


def pods(api: KubernetesApi) -> list[dict[str, Any]]:
    return api.list("v1", "Pod", namespace=LOGGING, label_selector=SELECTOR)


def is_settled(api: KubernetesApi, nodes: int, version: str = versions.ELASTIC) -> bool:
    """Whether the operator has nothing left to do, and all pods are of one revision."""
    status = object_of(api, "Elasticsearch").get("status", {})
    stateful_sets = api.list("apps/v1", "StatefulSet", namespace=LOGGING, label_selector=SELECTOR)
    if not stateful_sets:
        return False
    (stateful_set,) = stateful_sets
    revision = stateful_set["status"].get("updateRevision")
    there = pods(api)
    return (
        (status.get("phase"), status.get("health"), status.get("version")) == ("Ready", "green", version)
        and status.get("availableNodes") == stateful_set["spec"]["replicas"] == len(there) == nodes
        and all(one["metadata"]["labels"]["controller-revision-hash"] == revision for one in there)
        and not any("deletionTimestamp" in one["metadata"] for one in there)
    )


def memory(api: KubernetesApi) -> set[str]:
    """The memory of Elasticsearch's containers."""
    return {
        container["resources"]["limits"]["memory"]
        for one in pods(api)
        for container in one["spec"]["containers"]
        if container["name"] == "elasticsearch"
    }


def claims(api: KubernetesApi) -> list[dict[str, Any]]:
    return api.list("v1", "PersistentVolumeClaim", namespace=LOGGING)


def sizes(platform: Rehearsal) -> list[int]:
    """GiB of Elasticsearch's volumes: as the claims say, once EC2 says the same."""
    told = [int(one["status"]["capacity"]["storage"].removesuffix("Gi")) for one in claims(platform.api())]
    ec2 = aws.client(platform.layout, "ec2", region=aws.region(platform.layout))
    names = [f"pvc-{one['metadata']['uid']}" for one in claims(platform.api())]
    volumes = ec2.describe_volumes(Filters=[{"Name": f"tag:{NAME_TAG}", "Values": names}])["Volumes"]
    return told if told == [one["Size"] for one in volumes] else []


class Told:
    """What happened since the last look."""

    def __init__(self, log: Path) -> None:
        self._log, self._seen = log, 0

    def since(self) -> list[str]:
        """The lines; none of them says that a real cluster would have been down, or the operator have asked in vain."""
        lines = self._log.read_text().splitlines()
        new, self._seen = lines[self._seen :], len(lines)
        assert not [one for one in new if one.startswith(("unknown", "error", "Traceback")) or "cannot" in one], new
        assert not {"cluster has no master", "health is red"} & set(new), new
        return new


def order(lines: list[str], *verbs: str) -> list[tuple[str, str]]:
    """Nodes and what they did, in order."""
    words = (line.split() for line in lines if line.startswith("hello-es-default-"))
    return [(name.removeprefix("hello-es-default-"), verb) for name, verb, *_ in words if verb in verbs]


@contextmanager
def larger_volumes(platform: Rehearsal, more: int) -> Generator[int]:
    """The stack's settings with so many GiB more for each volume of Elasticsearch; their size then."""
    file = platform.layout.workspace / f"Pulumi.{platform.stack}.yaml"
    before = file.read_text()
    content = yaml.safe_load(before)
    content["config"][SETTINGS]["storageGib"] += more
    file.write_text(yaml.safe_dump(content))
    try:
        yield content["config"][SETTINGS]["storageGib"]
    finally:
        file.write_text(before)


@contextmanager
def program_with(platform: Rehearsal, version: str, folder: Path) -> Generator[None]:
    """The program with another version of Elasticsearch and Kibana in `versions.py`, as in a later commit."""
    (folder / "__main__.py").write_text(
        f"import runpy, sys\nsys.path.insert(0, {str(CHECKOUT)!r})\nimport versions\n"
        f"versions.ELASTIC = {version!r}\nrunpy.run_path({str(CHECKOUT / '__main__.py')!r}, run_name='__main__')\n"
    )
    project = platform.layout.workspace / "Pulumi.yaml"
    before = project.read_text()
    project.write_text(yaml.safe_dump({**yaml.safe_load(before), "main": str(folder)}))
    try:
        yield
    finally:
        project.write_text(before)


def refused(platform: Rehearsal) -> list[str]:
    """What `up` says, which does not succeed."""
    recorder = Recorder()
    with pytest.raises(RehearsalError, match="did not succeed"):
        platform.open().up(recorder)
    return recorder.errors


@needs_network
@ON_PROD
def test_a_node_more_and_less_memory_and_back_lose_nothing(platform: Rehearsal, story: Path) -> None:
    api, told = platform.api(), Told(story)
    told.since()
    before = memory(api)

    def changed(content: dict[str, Any]) -> None:
        content[SETTINGS] |= {"nodes": NODES + 1, "memory": "3Gi"}

    assert "update" in changes(platform, changed).values()
    eventually(lambda: memory(api) == {"3Gi"} and is_settled(api, NODES + 1), "a node more, all smaller", MINUTES)
    happened = told.since()
    assert ("3", "joined") in order(happened, "joined")
    # One after the other, and each is back before the next one goes.
    for name in ("2", "1", "0"):
        away = order(happened, "left", "joined")
        assert away[away.index((name, "left")) + 1] == (name, "joined"), happened

    assert "update" in run_up(platform).values()
    eventually(lambda: memory(api) == before and is_settled(api, NODES), "and back", MINUTES)
    happened = told.since()
    assert "hello-es-default-3 left with 0 shards, 0 of them only there" in happened, "its shards moved first"
    assert [one for one in happened if " moved from hello-es-default-3 to " in one]
    eventually(lambda: len(claims(api)) == NODES, "its volume is gone")


@needs_network
@ON_PROD
def test_larger_volumes_and_a_minor_upgrade_keep_the_cluster_and_do_not_go_back(
    platform: Rehearsal, story: Path, tmp_path: Path
) -> None:
    api, told = platform.api(), Told(story)
    told.since()
    with larger_volumes(platform, 10) as size:
        there = {one["metadata"]["uid"] for one in pods(api)}
        assert list(run_up(platform).values()) == ["update"]
        eventually(lambda: sizes(platform) == [size] * NODES, "the volumes have grown", MINUTES)
        eventually(lambda: is_settled(api, NODES), "with a StatefulSet that says so", MINUTES)
        assert {one["metadata"]["uid"] for one in pods(api)} == there
        assert order(told.since(), "left") == []

        with program_with(platform, NEXT_MINOR, tmp_path):
            assert list(run_up(platform).values()) == ["update", "update"]
        eventually(lambda: is_settled(api, NODES, NEXT_MINOR), "all nodes have the new version", MINUTES)
        happened = told.since()
        assert order(happened, "left", "joined") == [
            (name, verb) for name in ("2", "1", "0") for verb in ("left", "joined")
        ], happened
        eventually(
            lambda: object_of(api, "Kibana").get("status", {}).get("version") == NEXT_MINOR, "and Kibana", MINUTES
        )
        assert {one["metadata"]["labels"][VERSION] for one in pods(api)} == {NEXT_MINOR}
        assert any("cannot go back to an earlier version" in error for error in refused(platform))
    with program_with(platform, NEXT_MINOR, tmp_path):
        assert any("volumes cannot shrink" in error for error in refused(platform))
    assert is_settled(api, NODES, NEXT_MINOR)
    assert sizes(platform) == [size] * NODES

    # As docs/logs.md says: from a snapshot, into a new one.
    for kind in ("Kibana", "Elasticsearch"):
        api.delete(f"{kind.lower()}.k8s.elastic.co/v1", kind, object_of(api, kind)["metadata"]["name"], LOGGING)
    eventually(lambda: pods(api) == [] and not claims(api), "Elasticsearch is gone with its volumes", MINUTES)
    platform.open().refresh(Recorder())
    assert list(run_up(platform).values()) == ["create", "create"]
    eventually(lambda: is_settled(api, NODES), "a new one, of the version before", MINUTES)
    assert set(sizes(platform)) == {size - 10}
