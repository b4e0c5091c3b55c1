"""A real HAProxy with the configuration of the front door; small servers take the place of nodes."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from rehearsal.front_door import haproxy, running
from rehearsal.front_door.elbv2 import State
from rehearsal.front_door.running import FRONT_DOOR, FrontDoor, program
from rehearsal.layout import Layout
from rehearsal.network import host_ports
from rehearsal.processes import ProcessTable
from tests.rehearsal.conftest import eventually
from tests.traffic.load import Client, Load
from tests.traffic.upstream import Node
from tests.unit.rehearsal.aws.serving import Metrics, serve
from tests.unit.rehearsal.front_door.account import (
    BACKEND,
    DOMAIN,
    NODES,
    QUICK,
    condition,
    fixed,
    forward,
    instance,
    load_balancer,
    path,
    permission,
    rule,
    security_group,
    state,
    target,
    target_group,
)
from tests.unit.rehearsal.front_door.test_elbv2 import REGION, ZONES_STAY, Account, fill


@dataclass(frozen=True)
class Answer:
    """What a request got.

    Attributes:
        status: HTTP status.
        by: Which server answered; empty for HAProxy itself.
        body: The whole of it.
        headers: All of them.
    """

    status: int
    by: str
    body: str
    headers: Message


@dataclass
class Door:
    """A running HAProxy.

    Attributes:
        files: Its configuration.
        port: Where staff come in.
        outside: Where everybody else does.
        process: Its master.
    """

    files: FrontDoor
    port: int
    outside: int
    process: subprocess.Popen[bytes]

    def ask(
        self,
        host: str,
        path: str = "/",
        *,
        method: str = "GET",
        port: int | None = None,
        source: str = "127.0.0.1",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """What a request gets."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, source_address=(source, 0), timeout=10)
        try:
            connection.request(method, path, headers={"Host": host, **(headers or {})})
            answer = connection.getresponse()
            body = answer.read()
            by = str(json.loads(body)["pod"]) if body.startswith(b"{") else ""
            return Answer(answer.status, by, body.decode(), answer.msg)
        finally:
            connection.close()

    def get(self, host: str, path: str = "/", *, port: int | None = None, source: str = "127.0.0.1") -> tuple[int, str]:
        """Status and who answered."""
        answer = self.ask(host, path, port=port, source=source)
        return answer.status, answer.by

    def follow(self, state: State) -> None:
        """Goes on with another state."""
        self.files.write(state)
        self.process.send_signal(signal.SIGUSR2)

    def workers(self) -> set[str]:
        """The processes that serve."""
        return set(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split())


@pytest.fixture
def dev() -> Iterator[Node]:
    with Node("dev", "127.0.1.1") as one:
        yield one


@pytest.fixture
def prod() -> Iterator[Node]:
    with Node("prod", "127.0.2.1") as one:
        yield one


def account(dev: Node, prod: Node, **changes: Any) -> State:
    """The small account, its nodes being our servers."""
    groups = [
        target_group(f"{name}-{app}", target(f"i-{name}", node.port), on=on, **QUICK)
        for name, node, on in (("dev", dev, "staff"), ("prod", prod, "public"))
        for app in ("frontend", "gateway")
    ]
    instances = [instance("i-dev", dev.address), instance("i-prod", prod.address)]
    # Our servers have any port.
    guards = [*state().security_groups, security_group(NODES, permission(1, 65535, group=BACKEND))]
    return state(**{"target_groups": groups, "instances": instances, "security_groups": guards, **changes})


def one_way(dev: Node, prod: Node, *rules: dict[str, Any], **changes: Any) -> State:
    """The account with one load balancer, for everybody, and these rules."""
    groups = [{**one, "LoadBalancerArns": ["arn:public"]} for one in account(dev, prod).target_groups]
    ours = {"load_balancers": [load_balancer("public", *rules)], "target_groups": groups}
    return account(dev, prod, **{**ours, **changes})


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[State], Door]]:
    """Starts HAProxy for a state."""
    if program() is None:
        pytest.skip("haproxy cannot be found: install haproxy")
    started: list[Door] = []

    def start(state: State) -> Door:
        files = FrontDoor(Layout(tmp_path), DOMAIN, REGION)
        files.layout.control_plane.mkdir()
        files.write(state)
        with host_ports.listening(files.ports, program="haproxy") as sockets:
            process = subprocess.Popen(
                [*files.command(files.configuration), "-W"],
                pass_fds=[one.fileno() for one in sockets.values()],
                env={**os.environ, **host_ports.variables(sockets)},
            )
        door = Door(files, *files.ports, process)
        started.append(door)
        eventually(lambda: door.get("nobody")[0] == 404, "an answer")
        return door

    yield start
    for door in started:
        door.process.terminate()
        door.process.wait()


def test_hosts_lead_to_their_environment_and_unknown_ones_nowhere(
    start: Callable[[State], Door], dev: Node, prod: Node
) -> None:
    door = start(account(dev, prod))
    for host in (DOMAIN, DOMAIN.upper(), "hello.localhost", f"hello.localhost:{door.port}"):
        assert door.get(host) == (200, "prod"), host
    for host in (f"test.{DOMAIN}", f"test.hello.localhost:{door.port}"):
        assert door.get(host, "/api/x?y=z") == (200, "dev"), host
    for host in ("example.com", f"other.{DOMAIN}", "localhost", f"{DOMAIN}.evil.example", "xhello.localhost"):
        assert door.get(host)[0] == 404, host
    gone = door.ask(f"log.{DOMAIN}")
    assert (gone.status, gone.body) == (503, "Backend service does not exist")


def test_a_load_balancer_answers_by_its_own_name_with_its_default_action(
    start: Callable[[State], Door], dev: Node, prod: Node
) -> None:
    balancer = load_balancer("public", path(1, DOMAIN, "/", "prod-frontend"))
    door = start(account(dev, prod, load_balancers=[balancer]))
    answer = door.ask(balancer["DNSName"])
    assert (answer.status, answer.body) == (404, "")


def test_a_path_that_no_rule_fits_is_not_found_and_a_prefix_ends_at_a_slash(
    start: Callable[[State], Door], dev: Node, prod: Node
) -> None:
    exact = rule(1, forward("prod-frontend"), condition("host-header", DOMAIN), condition("path-pattern", "/only"))
    door = start(one_way(dev, prod, exact, path(2, DOMAIN, "/api", "prod-gateway")))
    paths = ("/api", "/api/", "/api/x", "/apix", "/API", "/only", "/only/", "/only?x=/api", "/")
    statuses = {text: door.get(DOMAIN, text)[0] for text in paths}
    found = {text for text, status in statuses.items() if status == 200}
    assert found == {"/api", "/api/", "/api/x", "/only", "/only?x=/api"}
    assert {statuses[text] for text in statuses.keys() - found} == {404}


def test_each_condition_is_for_its_part_of_a_request(start: Callable[[State], Door], dev: Node, prod: Node) -> None:
    rules = [
        rule(1, fixed(201), condition("path-pattern", "/a?c/*.html", "/it's$1")),
        rule(2, fixed(202), condition("host-header", f"*.sub.{DOMAIN}")),
        rule(3, fixed(203), condition("source-ip", "192.0.2.0/24")),
        rule(4, fixed(204), condition("host-header", DOMAIN)),
    ]
    door = start(one_way(dev, prod, *rules))

    def status(path: str, host: str = DOMAIN) -> int:
        return door.ask(host, path, port=door.outside).status

    paths = ("/abc/x/y.html", "/it's$1", "/abbc/x.html", "/ABC/x.html")
    assert [status(path) for path in paths] == [201, 201, 204, 204]
    assert [status("/", f"{name}.{DOMAIN}") for name in ("a.sub", "b.a.SUB", "sub")] == [202, 202, 404]
    assert door.ask(DOMAIN).status == 203, "the staff is within each range"


def test_weights_are_kept_exactly(start: Callable[[State], Door], dev: Node, prod: Node) -> None:
    shared = rule(1, forward("prod-frontend", "dev-frontend", weights=(90, 10)), condition("host-header", DOMAIN))
    door = start(one_way(dev, prod, shared))
    answers = [door.get(DOMAIN)[1] for _ in range(200)]
    assert Counter(answers) == {"prod": 180, "dev": 20}
    assert max(len(run) for run in "".join(one[0] for one in answers).split("d")) < 20, "spread, and not in a row"


def test_each_request_is_counted_for_its_target_group_through_a_change_of_the_configuration(
    start: Callable[[State], Door], dev: Node, prod: Node
) -> None:
    shared = rule(1, forward("prod-frontend", "dev-frontend", weights=(90, 10)), condition("host-header", DOMAIN))
    door, later = start(one_way(dev, prod, shared)), [0.0]
    metrics = Metrics(lambda: time.time() + later[0])
    metrics.listen(door.files.layout.front_door)
    for count in (50, 50):
        for _ in range(count):
            door.get(DOMAIN)
        assert door.get("nobody.example.com")[0] == 404
        door.follow(one_way(dev, prod, shared, rule(2, forward("dev-frontend"), condition("host-header", "x.test"))))
        eventually(lambda: door.get(DOMAIN)[0] == 200, "it serves")

    def counted(group: str, metric: str) -> float:
        later[0] = 300
        try:
            return sum(metrics.series(group, metric, "Sum", time.time() - 600, time.time()).values())
        finally:
            later[0] = 0

    eventually(lambda: counted("prod-frontend", "RequestCount") >= 90, "the log's last line")
    assert counted("dev-frontend", "RequestCount") in (10, 11)
    assert counted("prod-frontend", "HTTPCode_Target_2XX_Count") == counted("prod-frontend", "RequestCount")
    assert counted("prod-frontend", "TargetResponseTime") < 90


def test_a_staff_host_is_forbidden_from_outside_its_ranges_and_open_from_inside(
    start: Callable[[State], Door], dev: Node, prod: Node
) -> None:
    door = start(account(dev, prod))
    host = "test.hello.localhost"
    assert door.get(host) == (200, "dev")
    assert door.get(host, port=door.outside)[0] == 403
    assert door.get(host, source="127.0.0.2")[0] == 403
    assert door.get(host, source="127.0.0.3")[0] == 403


def test_nobody_comes_in_where_no_security_group_lets_him(
    start: Callable[[State], Door], dev: Node, prod: Node
) -> None:
    only_http = security_group("sg-public", permission(80, 80, "0.0.0.0/0"))
    guards = [one for one in account(dev, prod).security_groups if one["GroupId"] != "sg-public"]
    door = start(account(dev, prod, security_groups=[*guards, only_http]))
    assert door.get(DOMAIN)[0] == 403
    assert door.get(f"test.{DOMAIN}") == (200, "dev")


def test_a_node_that_lets_no_load_balancer_in_is_not_reached(
    start: Callable[[State], Door], dev: Node, prod: Node
) -> None:
    guards = [one for one in account(dev, prod).security_groups if one["GroupId"] != NODES]
    door = start(account(dev, prod, security_groups=guards))
    assert door.get(DOMAIN)[0] == 503
    assert prod.connections == 0


def test_everybody_may_call_a_host_of_a_load_balancer_that_lets_everybody_in(
    start: Callable[[State], Door], dev: Node, prod: Node
) -> None:
    door = start(account(dev, prod))
    assert door.get(DOMAIN, port=door.outside) == (200, "prod")
    head = prod.requests[-1].lower()
    assert "x-forwarded-for: 127.0.0.2\r\n" in head
    assert "x-forwarded-proto: https\r\n" in head, "as the listener has it whose rules are served"
    assert "x-forwarded-port: 443\r\n" in head


def test_a_header_with_an_odd_name_is_dropped_where_the_load_balancer_drops_it(
    start: Callable[[State], Door], dev: Node, prod: Node
) -> None:
    odd, attribute = {"X_Odd": "1", "X-Even": "1"}, "routing.http.drop_invalid_header_fields.enabled"
    rules = [path(1, DOMAIN, "/", "prod-frontend")]
    door = start(account(dev, prod, load_balancers=[load_balancer("public", *rules, Attributes={attribute: "true"})]))
    door.ask(DOMAIN, headers=odd)
    assert "x-even: 1" in prod.requests[-1].lower()
    assert "x_odd" not in prod.requests[-1].lower()
    door.follow(one_way(dev, prod, *rules))
    eventually(lambda: door.ask(DOMAIN, headers=odd) and "x_odd: 1" in prod.requests[-1].lower(), "it is let through")


def test_a_check_asks_a_target_by_its_address(start: Callable[[State], Door], dev: Node, prod: Node) -> None:
    start(account(dev, prod))
    eventually(lambda: any("ELB-HealthChecker" in head for head in prod.requests), "a check")
    (head, *_) = [head for head in prod.requests if "ELB-HealthChecker" in head]
    assert f"host: {prod.address}:{prod.port}\r\n" in head.lower()


def test_a_target_that_leaves_gets_no_new_request_and_ends_what_it_has(
    start: Callable[[State], Door], dev: Node, prod: Node
) -> None:
    def leaving(state: str) -> State:
        both = [target("i-dev", dev.port), target("i-prod", prod.port, state)]
        return one_way(dev, prod, path(1, DOMAIN, "/", "a"), target_groups=[target_group("a", *both, **QUICK)])

    door, prod.delay = start(leaving("healthy")), 3
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(door.get, DOMAIN) for _ in range(2)]
        eventually(lambda: any("ELB" not in head for head in prod.requests), "a request is under way")
        before = door.workers()
        door.follow(leaving("draining"))
        eventually(lambda: bool(door.workers() - before), "a new worker")
        assert {door.get(DOMAIN)[1] for _ in range(6)} == {"dev"}
        assert sorted(one.result() for one in running) == [(200, "dev"), (200, "prod")]


def test_new_connections_of_users_share_the_connections_to_nodes(
    start: Callable[[State], Door], dev: Node, prod: Node
) -> None:
    door = start(account(dev, prod))
    for _ in range(20):
        assert door.get(DOMAIN) == (200, "prod")
    asked = [head for head in prod.requests if "ELB-HealthChecker" not in head]
    checks = len(prod.requests) - len(asked)
    assert len(asked) == 20
    assert prod.connections - checks <= 1


def test_a_target_that_does_not_pass_its_check_gets_nothing_not_even_at_first(
    start: Callable[[State], Door], dev: Node, prod: Node
) -> None:
    def both(*more: dict[str, Any]) -> State:
        targets = [target("i-prod", prod.port), *more]
        return one_way(dev, prod, path(1, DOMAIN, "/", "a"), target_groups=[target_group("a", *targets, **QUICK)])

    dev.status = "500 Broken"
    door = start(both())
    eventually(lambda: haproxy.unhealthy(door.files.layout.front_door) == [], "prod has passed its check")
    for _ in range(2):  # the second time with another worker that knows it
        before = door.workers()
        door.follow(both(target("i-dev", dev.port)))
        eventually(lambda before=before: bool(door.workers() - before), "a new worker")
        assert {door.get(DOMAIN) for _ in range(30)} == {(200, "prod")}
        (one,) = haproxy.unhealthy(door.files.layout.front_door)
        assert one.startswith(f"a: i-dev:{dev.port}: DOWN"), one
    dev.status = "200 OK"
    eventually(lambda: haproxy.unhealthy(door.files.layout.front_door) == [], "dev passes one check")
    assert {door.get(DOMAIN)[1] for _ in range(6)} == {"prod", "dev"}


def test_targets_of_which_none_is_healthy_are_asked_all_the_same(
    start: Callable[[State], Door], dev: Node, prod: Node
) -> None:
    prod.status = "500 Broken"
    door = start(account(dev, prod))
    eventually(lambda: sum("ELB-HealthChecker" in head for head in prod.requests) >= 4, "two bad checks of each")
    assert door.get(DOMAIN) == (500, "prod")


def with_more(dev: Node, prod: Node, number: int) -> State:
    """The account with so many more nodes of dev."""
    found = account(dev, prod)
    more = [instance(f"i-more{extra}", "127.0.1.2") for extra in range(number)]
    targets = [target(one["InstanceId"], dev.port) for one in more]
    groups = [
        {**one, "Targets": [*one["Targets"], *targets]} if one["TargetGroupName"].startswith("dev") else one
        for one in found.target_groups
    ]
    return account(dev, prod, instances=[*found.instances, *more], target_groups=groups)


def test_no_request_is_lost_while_targets_change(start: Callable[[State], Door], dev: Node, prod: Node) -> None:
    door = start(account(dev, prod))
    pooled = Load("127.0.0.1", door.port, DOMAIN, at_once=16)
    new = Load("127.0.0.1", door.port, DOMAIN, at_once=4, reuse=False)
    idle = Load("127.0.0.1", door.port, DOMAIN, at_once=4, pause=0.5)
    with Client(pooled) as first, Client(new) as second, Client(idle) as third:
        for number in range(5):
            before = door.workers()
            time.sleep(0.3)
            door.follow(with_more(dev, prod, number))
            if number:  # otherwise it is what it was
                eventually(lambda before=before: bool(door.workers() - before), "a new worker")
        time.sleep(1)
        logs = [client.end() for client in (first, second, third)]
    assert [one.failures for one in logs] == [[], [], []]
    assert all(len(one.answers) > 20 for one in logs)


def test_a_request_that_takes_long_outlives_a_change(start: Callable[[State], Door], dev: Node, prod: Node) -> None:
    prod.delay = 3
    door = start(account(dev, prod))
    with Client(Load("127.0.0.1", door.port, DOMAIN, at_once=3)) as client:
        time.sleep(1)
        door.follow(with_more(dev, prod, 1))
        eventually(lambda: len(door.workers()) > 1, "the old worker beside the new one")
        log = client.end()
    assert log.failures == []
    assert len(log.answers) >= 3


def test_a_lost_request_is_seen(start: Callable[[State], Door], dev: Node, prod: Node) -> None:
    door = start(account(dev, prod))
    with Client(Load("127.0.0.1", door.port, f"log.{DOMAIN}", at_once=2)) as client:
        time.sleep(1)
        log = client.end()
    assert log.answers == []
    assert {failure.kind for failure in log.failures} == {"503 Service Unavailable"}


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[tuple[Layout, Account]]:
    """An account with HAProxy and what keeps it up to date, as programs."""
    if program() is None:
        pytest.skip("haproxy cannot be found: install haproxy")
    layout = Layout(tmp_path)
    serve(layout)
    made, table = fill(layout), ProcessTable(layout.processes)
    for one in running.programs(layout, domain=DOMAIN, region=REGION, network=None):
        table.start(one)
    yield layout, made
    table.stop([FRONT_DOOR, running.FOLLOWER])


def instance_at(account: Account, node: Node) -> str:
    """The id of a new instance with a node's address, in a VPC of its own; everybody may reach the node's port."""
    vpc = account.ec2.create_vpc(CidrBlock="127.0.0.0/16")["Vpc"]["VpcId"]
    subnet = account.ec2.create_subnet(VpcId=vpc, CidrBlock="127.0.2.0/24")["Subnet"]["SubnetId"]
    group = account.ec2.create_security_group(GroupName="node", Description="node", VpcId=vpc)["GroupId"]
    account.ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[permission(node.port, node.port, "0.0.0.0/0")]
    )
    interface = {"DeviceIndex": 0, "SubnetId": subnet, "PrivateIpAddress": node.address, "Groups": [group]}
    reservation = account.ec2.run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1, NetworkInterfaces=[interface]
    )
    return str(reservation["Instances"][0]["InstanceId"])


def test_it_follows_the_account_and_says_what_it_does_not_understand(
    followed: tuple[Layout, Account], prod: Node
) -> None:
    layout, made = followed
    entrance = running.entrance(layout, {"prod": DOMAIN})
    assert entrance is not None
    port = int(entrance.hosts["prod"].rpartition(":")[2])

    def status(path: str = "/api") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path, headers={"Host": DOMAIN})
        with contextlib.closing(connection):
            return connection.getresponse().status

    def problem() -> str:
        again = running.entrance(layout, {"prod": DOMAIN})
        assert again is not None
        return again.problem or ""

    def balance(value: str) -> None:
        key = [{"Key": "load_balancing.algorithm.type", "Value": value}]
        made.elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=key)

    group = made.elbv2.create_target_group(Name="here", Protocol="HTTP", Port=80, VpcId=made.vpc, HealthCheckPath="/")[
        "TargetGroups"
    ][0]["TargetGroupArn"]
    made.elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=[ZONES_STAY])
    instance = instance_at(made, prod)
    made.elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": instance, "Port": prod.port}])
    forward = {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": group}]}}
    made.elbv2.create_rule(
        ListenerArn=made.listener, Priority=9, Conditions=[condition("path-pattern", "/here")], Actions=[forward]
    )
    made.elbv2.set_rule_priorities(RulePriorities=[{"RuleArn": made.rules[1], "Priority": 10}])
    eventually(lambda: status("/here") == 200, "the new rule")
    balance("weighted_random")
    eventually(
        lambda: "Target group here: load_balancing.algorithm.type weighted_random: only" in problem(),
        "it says so",
    )
    assert status("/here") == 200, "it stays as it was"
    made.elbv2.deregister_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
    balance("round_robin")
    eventually(lambda: status("/here") == 503, "the target is gone")
    assert problem() == ""
