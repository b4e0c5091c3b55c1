"""Output of `make up` and `make status`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from config import ENVIRONMENTS
from rehearsal import demo_images
from rehearsal.front_door.running import Entrance
from rehearsal.status import NodeStatus, SlotStatus, WorkloadStatus

TRAFFIC = {
    True: "requests to a node's port or a Service's address reach pods, by kube-proxy",
    False: "none: kube-proxy does not run; `make up` starts it, or says why it cannot",
}


def show(
    console: Console,
    stack: str,
    outputs: Mapping[str, Any],
    nodes: Sequence[NodeStatus],
    slots: Sequence[SlotStatus],
    *,
    traffic: bool,
) -> None:
    """Prints the stack's outputs, whether there is traffic, the nodes, and the slots of all services."""
    console.print(
        Group(_outputs(stack, outputs, TRAFFIC[traffic]), "", _nodes(nodes), "", _slots(slots), "", _totals(slots))
    )
    for slot in slots:
        if slot.live and slot.image and slot.is_outdated:
            about = f"{slot.namespace}/{slot.service} has new settings, which reach users with a release"
            command = f"python -m release deploy {slot.namespace} {slot.service} --image {slot.image}"
            console.print(f"{about}: {command}", markup=False, highlight=False, soft_wrap=True)


SECRETS_NAMED = 50
"""As many invented secrets are named at most."""


def invented(keys: Collection[str]) -> str:
    """What is said of secrets that only the rehearsal has, by their configuration keys with path."""
    names = ", ".join(key.partition(":")[2].removeprefix("secrets.") for key in islice(keys, SECRETS_NAMED))
    names += f" and {len(keys) - SECRETS_NAMED} more" if len(keys) > SECRETS_NAMED else ""
    command = f"pulumi config set --secret --path '{next(iter(keys))}'"
    return f"Invented {len(keys)} secrets, as a rehearsal decrypts none: {names}. On AWS you set each: {command}"


def show_logs(console: Console, logs: Sequence[WorkloadStatus]) -> None:
    """Prints the workloads of the logging stack."""
    table = _table("What collects, keeps and shows logs", "namespace", "kind", "name", "ready", "nodes")
    for one in logs:
        nodes = " ".join(_short(node) for node in one.nodes)
        table.add_row(one.namespace, one.kind, one.name, f"{one.ready}/{one.wanted}", nodes)
    console.print("", table)


def show_entrance(console: Console, entrance: Entrance | None) -> None:
    """Prints the URLs of the hosts, unhealthy targets, and the front door's problem, if there is one."""
    if entrance is None:
        return
    hosts = dict(entrance.hosts)
    page = hosts.pop("releases", None)
    table = _table("In a browser", "", "", box=None, show_header=False)
    for name, url in hosts.items():
        table.add_row(f"host of {name}", url)
    ports = " and ".join(sorted({url.rpartition(":")[2] for url in entrance.outside.values()}))
    console.print("", table, f"Somebody outside: the same with port {ports}")
    if tools := [f"host of {name}" for name in hosts if name not in ENVIRONMENTS]:
        about = f"What is behind {' and '.join(tools)} does not run here: 503. Somebody outside gets 403 where only"
        console.print(f"{about} listed addresses are admitted (loadBalancer.staffCidrs).", style="dim", highlight=False)
    for one in entrance.unhealthy:
        # Not those that HAProxy checks for the first time (`INI`), or that passed some of the checks (`DOWN 1/2`).
        if re.match(rf"k8s-({'|'.join(ENVIRONMENTS)})-(?!.*: DOWN (INI|\d))", one):
            console.print(f"Gets no requests: {one}", style="dim", markup=False, highlight=False, soft_wrap=True)
    if page:
        console.print(f"\nKeep open: {page} shows every service and release, live", style="bold", soft_wrap=True)
    if entrance.problem:
        console.print(f"The front door stays as it was: {entrance.problem}", style="red", markup=False, soft_wrap=True)


def _outputs(stack: str, outputs: Mapping[str, Any], traffic: str) -> RenderableType:
    table = _table(f"Stack {stack}", "", "", box=None, show_header=False)
    table.columns[0].style, table.columns[1].no_wrap = "bold", False
    table.add_row("cluster", f"{outputs['cluster']['name']} in {outputs['cluster']['region']}")
    for name, host in outputs["hosts"].items():
        table.add_row(f"host of {name}", host)
    table.add_row("traffic", traffic)
    for record in outputs["records"]:
        table.add_row("enter in DNS", f"{record['name']} {record['type']} {record['value']}: {record['why']}")
    for name, group in outputs["nodeGroups"].items():
        taint = f", taint {group['taint']}" if group.get("taint") else ""
        table.add_row(f"nodes {name}", f"{', '.join(group['names'])}: label {group['label']}{taint}")
    table.add_row(
        "images", " ".join(sorted({f"{url.rpartition('/')[0]}/SERVICE" for url in outputs["repositories"].values()}))
    )
    return table


def _nodes(nodes: Sequence[NodeStatus]) -> RenderableType:
    table = _table("Nodes by environment", "environment", "node", "type", "zone", "ready", "pods")
    table.columns[-1].justify = "right"
    for node in nodes:
        ready = "yes" if node.ready else "NO"
        table.add_row(node.environment, _short(node.name), node.instance_type, node.zone, ready, str(node.pods))
    return table


def _slots(slots: Sequence[SlotStatus]) -> RenderableType:
    columns = ("environment", "service", "slot", "", "ready", "image", "nodes")
    table = _table("Both slots of every service, and where their pods landed", *columns)
    for slot in slots:
        table.add_row(
            slot.namespace,
            slot.service,
            Text(slot.slot, style=slot.slot),
            "live" if slot.live else "",
            f"{slot.ready}/{slot.wanted}",
            demo_images.version(slot.image)[:12] if slot.image else "none yet",
            " ".join(_short(node) for node in slot.nodes),
        )
    return table


def _table(title: str, *columns: str, **options: Any) -> Table:
    look: dict[str, Any] = {"box": box.SIMPLE_HEAD, "padding": (0, 1), **options}
    table = Table(title=title, title_justify="left", title_style="bold", pad_edge=False, **look)
    for column in columns:
        table.add_column(column, no_wrap=column != "nodes", overflow="fold")
    return table


def _short(node: str) -> str:
    """A node's name without its domain."""
    return node.split(".", maxsplit=1)[0]


def _totals(slots: Sequence[SlotStatus]) -> RenderableType:
    """Which services serve: those whose live slot has a ready pod."""
    live = [slot for slot in slots if slot.live]
    waiting = ", ".join(f"{slot.namespace}/{slot.service}" for slot in live if not slot.ready)
    serving = Counter(slot.namespace for slot in live if slot.ready)
    counts = ", ".join(f"{number} in {environment}" for environment, number in serving.items()) or "none"
    return Text(f"Services that serve: {counts}" + (f"; not yet: {waiting}" if waiting else ", all of them"))
