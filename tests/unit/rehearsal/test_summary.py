"""The output after `make up`."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from rehearsal import demo_images, summary
from rehearsal.front_door.running import Entrance
from rehearsal.status import NodeStatus, SlotStatus, WorkloadStatus

OUTPUTS: dict[str, Any] = {
    "cluster": {"name": "hello-dev", "region": "ap-northeast-2"},
    "hosts": {"prod": "hello.example.com", "dev": "test.hello.example.com", "logs": "log.hello.example.com"},
    "records": [{"name": "_0.hello.example.com", "type": "CNAME", "value": "_1.aws", "why": "proves that it is yours"}],
    "nodeGroups": {
        "dev": {"names": ["hello-dev-dev"], "label": "environment=dev", "taint": None},
        "prod": {"names": ["hello-dev-prod"], "label": "environment=prod", "taint": "environment=prod:NoSchedule"},
    },
    "repositories": {"api": "111122223333.dkr.ecr.ap-northeast-2.amazonaws.com/hello-dev/api"},
}
NODE = NodeStatus(
    "ip-10-0-0-1.ap-northeast-2.compute.internal", "dev", "ap-northeast-2a", "t3.large", ready=False, pods=3
)


def slot(color: str, *, live: bool, ready: int, outdated: bool = False) -> SlotStatus:
    image = f"registry.example.com/api@{demo_images.digest('v3')}" if live else None
    wanted, nodes = (2, (NODE.name,)) if live else (0, ())
    return SlotStatus(
        namespace="dev",
        kind="Deployment",
        name=f"api-{color}",
        ready=ready,
        wanted=wanted,
        nodes=nodes,
        service="api",
        slot=color,
        live=live,
        image=image,
        is_outdated=outdated,
    )


def shown(*, traffic: bool = True, outdated: bool = False, ready: int = 1) -> str:
    console = Console(file=StringIO(), width=100)
    slots = [slot("blue", live=True, ready=ready, outdated=outdated), slot("green", live=False, ready=0, outdated=True)]
    summary.show(console, "dev", OUTPUTS, [NODE], slots, traffic=traffic)
    logs = WorkloadStatus(
        namespace="logging", kind="StatefulSet", name="hello-es-default", ready=2, wanted=3, nodes=(NODE.name,)
    )
    summary.show_logs(console, [logs])
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_every_host_group_and_repository_is_named() -> None:
    text = shown()
    for word in ("hello.example.com", "test.hello.example.com", "log.hello.example.com", "environment=prod:NoSchedule"):
        assert word in text
    assert f"{OUTPUTS['repositories']['api'].rpartition('/')[0]}/SERVICE" in text


def test_a_record_to_enter_is_told_as_it_is_entered() -> None:
    (line,) = (line for line in shown().splitlines() if "enter in DNS" in line)
    assert "_0.hello.example.com CNAME _1.aws: proves that it is yours" in line


def test_a_node_that_is_not_ready_stands_out() -> None:
    (row,) = (line for line in shown().splitlines() if "t3.large" in line)
    assert row.split() == ["dev", "ip-10-0-0-1", "t3.large", "ap-northeast-2a", "NO", "3"]


def test_each_slot_says_whether_it_is_live_how_ready_with_what_and_where() -> None:
    blue, green = (line.split() for line in shown().splitlines() if line.split()[:2] == ["dev", "api"])
    assert blue == ["dev", "api", "blue", "live", "1/2", "v3", "ip-10-0-0-1"]
    assert green == ["dev", "api", "green", "0/0", "none", "yet"]


def test_each_program_of_the_logs_says_how_ready_it_is_and_where() -> None:
    (row,) = (line for line in shown().splitlines() if "hello-es-default" in line)
    assert row.split() == ["logging", "StatefulSet", "hello-es-default", "2/3", "ip-10-0-0-1"]


@pytest.mark.parametrize(
    ("ready", "told"),
    [(1, "Services that serve: 1 in dev, all of them\n"), (0, "Services that serve: none; not yet: dev/api\n")],
)
def test_it_is_said_which_services_serve(ready: int, told: str) -> None:
    assert told in shown(ready=ready)


def entrance(problem: str | None = None, *, also: str | None = None, unhealthy: Sequence[str] = ()) -> str:
    console = Console(file=StringIO(), width=100)
    hosts = ["dev", also] if also else ["dev"]
    inside, outside = (dict.fromkeys(hosts, f"http://test.localhost:{port}") for port in (1, 2))
    door = Entrance(inside, outside, problem, unhealthy)
    summary.show_entrance(console, door)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_where_to_open_a_host_is_told_for_the_staff_and_for_others() -> None:
    (row,) = (line.split() for line in entrance().splitlines() if line.startswith("host"))
    assert row == ["host", "of", "dev", "http://test.localhost:1"]
    assert "Somebody outside: the same with port 2\n" in entrance()


def test_a_host_with_nothing_behind_it_is_told() -> None:
    assert "503" not in entrance()
    assert "What is behind host of logs does not run here: 503." in entrance(also="logs")


def test_the_page_of_releases_runs_here_and_is_what_to_keep_open() -> None:
    text = entrance(also="releases")
    assert "503" not in text
    assert "Keep open: http://test.localhost:1 shows every service and release, live" in text
    assert "Keep open" not in entrance()


def test_what_the_front_door_does_not_do_stands_below() -> None:
    assert "stays as it was" not in entrance()
    assert "The front door stays as it was: Ingress x is [odd]" in entrance("Ingress x is [odd]")


def test_a_target_that_gets_no_request_is_told() -> None:
    assert "no requests" not in entrance()
    assert "Gets no requests: k8s-dev-api: i-1:30001: DOWN L7STS [503]" in entrance(
        unhealthy=["k8s-dev-api: i-1:30001: DOWN L7STS [503]"]
    )


@pytest.mark.parametrize("status", ["DOWN INI", "DOWN 1/2 L7OK"])
def test_a_target_that_is_on_its_way_up_is_no_problem(status: str) -> None:
    assert "no requests" not in entrance(unhealthy=[f"k8s-dev-api: i-1:30001: {status}"])


def test_whether_requests_reach_pods_is_said() -> None:
    (row,) = (line for line in shown().splitlines() if line.startswith("traffic"))
    assert "reach pods" in row
    (row,) = (line for line in shown(traffic=False).splitlines() if line.startswith("traffic"))
    assert row.split()[1] == "none:"


def test_a_live_slot_with_older_settings_is_told_with_the_command_that_releases_them() -> None:
    image = slot("blue", live=True, ready=1).image
    assert f"new settings, which reach users with a release: python -m release deploy dev api --image {image}" in shown(
        outdated=True
    )
    assert "new settings" not in shown(), "an idle slot's are nobody's"


def test_a_target_of_what_does_not_run_is_not_told() -> None:
    assert "no requests" not in entrance(also="logs", unhealthy=["k8s-logging-kibanakb: i-1:31715: DOWN"])


def test_invented_secrets_are_told_with_how_to_set_them() -> None:
    key = "hello-platform:secrets.prod.api.MYSQL_URL"
    told = summary.invented([key, "hello-platform:delivery.adminPassword"])
    assert told.startswith("Invented 2 secrets, ")
    assert "prod.api.MYSQL_URL, delivery.adminPassword. " in told
    assert told.endswith(f"pulumi config set --secret --path '{key}'")


def test_of_many_invented_secrets_the_first_are_named() -> None:
    told = summary.invented([f"hello-platform:secrets.dev.svc-{number}.KEY" for number in range(1000)])
    assert told.startswith("Invented 1000 secrets, ")
    assert "dev.svc-49.KEY and 950 more. " in told
    assert "svc-50." not in told
