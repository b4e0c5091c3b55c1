"""Rows of docs/changes.md on the real engine: many changes in one `up`, what is refused, and the old values again."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pytest
import yaml

from config import PROJECT
from rehearsal import aws
from rehearsal.errors import RehearsalError
from rehearsal.front_door.running import entrance
from rehearsal.lifecycle import Rehearsal
from tests.rehearsal.stacks import ENVIRONMENTS, ONE_STACK, Recorder, asked, changes, run_up
from tests.unit.changes.table import ROWS, Row

pytestmark = ONE_STACK

NOT_HERE = {
    "`charts`": "there is no such registry",
    "`secrets.*`": "in `test_settings`",
    "`logs.people`": "their passwords are secrets: held against the program",
    "`logs.memory`, `logs.cpu`, `logs.nodes`": "in `test_logs_changes`",
    "`logs.storageGib`, larger": "in `test_logs_changes`; it does not shrink again",
}
"""Rows of `CALM` effect that are not tried here, and why."""

DOOR_SECONDS = 3.0
"""After which the front door has followed the account."""

CALM = ("in place", "next release", "none")
"""Effects after which the platform is as before with the settings of before."""

NODES = {
    "instanceTypes": ["t3.large", "t3a.large"],
    "spot": True,
    "max": 4,
    "hours": {"start": "08:00", "stop": "20:00", "timeZone": "Asia/Seoul"},
}
OPTIONAL = {
    "environments.dev.serviceNodes": NODES,
    "network.flowLogsTo": "s3",
    "network.interfaceEndpoints": ["ec2", "ecr.api", "ecr.dkr", "sts"],
}
"""Settings that are off by default and that no calm row has: spot nodes by night, flow logs in S3, endpoints."""

OPTIONAL_TOUCHES = {
    "create": [
        "aws:autoscaling/schedule:Schedule::*-dev-services-*",
        "aws:eks/nodeGroup:NodeGroup::*-dev-services-*",
        "aws:ec2/launchTemplate:LaunchTemplate::*-dev-services",
        "aws:iam/*::*-dev-services*",
        "aws:ec2/subnet:Subnet::*-endpoints-*",
        "aws:ec2/routeTableAssociation:RouteTableAssociation::*-endpoints-*",
        "aws:ec2/securityGroup:SecurityGroup::*-endpoints",
        "aws:ec2/vpcEndpoint:VpcEndpoint::*",
        "aws:s3/*::*-flow-logs",
    ],
    "replace": ["aws:ec2/flowLog:FlowLog::*"],
    "delete": ["aws:cloudwatch/logGroup:LogGroup::*-flow-logs", "aws:iam/*::*-flow-logs"],
    "update": ["*:PodTemplate::dev-*", "*:NetworkPolicy::*"],
}

OF_EKS = {
    "eks:index:Cluster::hello-dev": "aws:eks/*::*",
    "eks:index:ManagedNodeGroup::": "aws:eks/nodeGroup:NodeGroup::",
}
"""What pulumi-eks' components, which have no operation of their own, make: by a beginning of the table's patterns."""


def calm_rows() -> list[Row]:
    """As many of the calm rows as change different settings."""
    taken: list[Row] = []
    keys = [*OPTIONAL]
    for row in ROWS:
        fits = row.effect in CALM and not row.refused and not row.alone and row.change not in NOT_HERE
        if fits and not any(_same(one, other) for one in row.set for other in keys):
            taken.append(row)
            keys += row.set
    return taken


def _same(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


CALM_ROWS = calm_rows()
REFUSED = [row for row in ROWS if row.refused]
OF_A_LIVE_STACK = ("`network.cidr`", "`network.zones`: another zone among the first two")
"""Rows whose settings are valid, and refused of the stack as it is."""


def settled(config: dict[str, Any], settings: Mapping[str, Any]) -> None:
    """Sets values at dotted paths; None removes a key."""
    for path, value in settings.items():
        first, *rest = path.split(".")
        *parents, last = [f"{PROJECT}:{first}", *rest]
        parent = config
        for part in parents:
            parent = parent.setdefault(part, {})
        if value is None:
            parent.pop(last, None)
        else:
            parent[last] = value


def together(rows: Iterable[Row]) -> dict[str, Any]:
    return {path: value for row in rows for path, value in row.set.items()}


def as_made(pattern: str) -> str:
    """A pattern of the table, by what pulumi-eks makes."""
    return next((made + pattern[len(of) :] for of, made in OF_EKS.items() if pattern.startswith(of)), pattern)


@dataclass(frozen=True)
class Story:
    """What happened.

    Attributes:
        forth: What `up` did with all changes: the operation by resource.
        interfaces: The services of the endpoints in the account then, and the account's schedules.
        answers: The status of each environment's host then.
        back: What `up` did with the settings of before.
        refused: What was said of the refused changes, together and of a live stack.
        touched: What `up` did with those.
        again: What `up` then did with the settings of before.
    """

    forth: dict[str, str]
    interfaces: set[str]
    answers: set[int]
    back: dict[str, str]
    refused: list[str]
    touched: dict[str, str]
    again: dict[str, str]


@pytest.fixture(scope="module")
def story(platform: Rehearsal) -> Story:
    """What happens, in one go: each run of the engine takes long."""
    wanted = {**together(CALM_ROWS), **OPTIONAL}
    try:
        forth = resources(changes(platform, lambda config: settled(config, wanted)))
        ec2 = aws.client(platform.layout, "ec2", region=platform.outputs()["cluster"]["region"])
        endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
        time.sleep(DOOR_SECONDS)
        door = entrance(platform.layout, platform.outputs()["hosts"])
        answers = {asked(door.hosts[one])[0] for one in ENVIRONMENTS} if door else set[int]()
    finally:
        back = resources(run_up(platform))
    said, touched = list[str](), dict[str, str]()
    for rows in ([row for row in REFUSED if row.change not in OF_A_LIVE_STACK], *by_change(OF_A_LIVE_STACK)):
        recorder = Recorder()
        said.append(told(platform, recorder, together(rows)))
        touched |= recorder.operations
    return Story(
        forth=forth,
        interfaces={one["ServiceName"] for one in endpoints if one["VpcEndpointType"] == "Interface"},
        answers=answers,
        back=back,
        refused=said,
        touched=touched,
        again=run_up(platform),
    )


def resources(done: Mapping[str, str]) -> dict[str, str]:
    """What was done, without components, which are nothing themselves."""
    return {name: how for name, how in done.items() if not name.startswith(("hello:", "eks:"))}


def by_change(names: Sequence[str]) -> list[list[Row]]:
    return [[row for row in REFUSED if row.change == name] for name in names]


def told(platform: Rehearsal, recorder: Recorder, settings: Mapping[str, Any]) -> str:
    """What a refused `up` says."""
    file = platform.layout.workspace / f"Pulumi.{platform.stack}.yaml"
    before = file.read_text()
    content = yaml.safe_load(before)
    settled(content["config"], settings)
    file.write_text(yaml.safe_dump(content))
    try:
        with pytest.raises(RehearsalError, match="did not succeed"):
            platform.open().up(recorder)
    finally:
        file.write_text(before)
    return "\n".join(recorder.errors)


def done_by(story: Story, pattern: str) -> set[str]:
    return {story.forth[name] for name in fnmatch.filter(story.forth, as_made(pattern))}


def kinds(operations: Iterable[str]) -> set[str]:
    """Operations as the table names them."""
    return {"replace" if "replace" in one else one for one in operations}


@pytest.mark.parametrize("row", CALM_ROWS, ids=lambda row: row.change)
def test_a_change_does_what_its_row_says(story: Story, row: Row) -> None:
    for operation, patterns in row.touches.items():
        for pattern in patterns:
            assert operation in kinds(done_by(story, pattern)), f"{pattern} in {sorted(story.forth)}"


def test_there_are_many_rows(story: Story) -> None:
    del story
    assert len(CALM_ROWS) >= 30


def test_the_optional_settings_come_up_together(story: Story) -> None:
    for operation, patterns in OPTIONAL_TOUCHES.items():
        for pattern in patterns:
            assert operation in kinds(done_by(story, pattern)), f"{pattern} in {sorted(story.forth)}"
    assert story.interfaces == {f"com.amazonaws.ap-northeast-2.{one}" for one in ("ec2", "ecr.api", "ecr.dkr", "sts")}


def test_every_host_still_leads_to_its_services(story: Story) -> None:
    """Whom the changed settings do not admit gets 403, no 503."""
    assert story.answers <= {HTTPStatus.OK, HTTPStatus.FORBIDDEN}


def test_nothing_else_is_changed(story: Story) -> None:
    claimed = [as_made(one) for row in CALM_ROWS for one in row.resources]
    claimed += [one for patterns in OPTIONAL_TOUCHES.values() for one in patterns]
    assert [name for name in story.forth if not any(fnmatch.fnmatch(name, one) for one in claimed)] == []


def test_the_old_settings_undo_it(story: Story) -> None:
    undone = {"create": "delete", "delete": "create"}
    expected = {name: undone.get(how, how) for name, how in story.forth.items()}
    assert {name: kinds([how]) for name, how in story.back.items()} == {
        name: kinds([how]) for name, how in expected.items()
    }


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.change)
def test_what_is_refused_is_said_and_changes_nothing(story: Story, row: Row) -> None:
    assert row.refused in "".join(story.refused)
    assert story.touched == {}


def test_the_old_values_work_after_each_refusal_and_change_nothing(story: Story) -> None:
    assert story.again == {}
