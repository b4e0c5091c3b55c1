"""Elasticsearch's answers to the operator's requests; a path that is not here is answered as one that does not exist.

What the operator asks: https://github.com/elastic/cloud-on-k8s/tree/v3.5.0/pkg/controller/elasticsearch/client
The answers: https://www.elastic.co/docs/api/doc/elasticsearch/v9/, as a real 9.1.0 gives them. Its smallest
distribution has no node shutdowns: https://github.com/elastic/elasticsearch/tree/v9.1.0/x-pack/plugin/shutdown
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from tests.rehearsal.elasticsearch.cluster import Cluster, Pod, Shutdown

UUID = "uQ2vGfVqT0S1nHWJcN1m0w"
"""The cluster's, which the operator writes into an annotation; in the form of Elasticsearch's, 22 characters."""

ROLES = ["data", "ingest", "master", "remote_cluster_client", "transform"]


class RefusedError(Exception):
    """A request that Elasticsearch refuses."""

    def __init__(self, status: HTTPStatus, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.body = status, {"error": {"type": kind, "reason": reason}, "status": int(status)}


@dataclass
class Request:
    """A request.

    Attributes:
        node: Volume of the node that was asked.
        matched: What the path has in the route's groups.
    """

    node: str
    query: Mapping[str, list[str]]
    body: Any
    matched: tuple[str, ...] = ()


@dataclass
class Api:
    """The API of a cluster.

    Attributes:
        passwords: By user, as the operator's Secret has them.
        wanted: The desired nodes: history, version and nodes.
        transient: Transient cluster settings.
        unknown: Requests that no route has.
    """

    cluster: Cluster
    passwords: Mapping[str, str] = field(default_factory=dict[str, str])
    wanted: dict[str, Any] = field(default_factory=dict[str, Any])
    transient: dict[str, Any] = field(default_factory=dict[str, Any])
    unknown: list[str] = field(default_factory=list[str])

    def answer(self, node: str, method: str, target: str, body: bytes, authorization: str) -> tuple[int, Any]:
        """Status and body of the response to a request to a node."""
        url = urlsplit(target)
        try:
            self._authenticate(authorization)
            handler, matched = self._route(method, url.path)
            content = json.loads(body) if body else None
            return HTTPStatus.OK, handler(self, Request(node, parse_qs(url.query), content, matched))
        except RefusedError as refused:
            return refused.status, refused.body

    def _route(self, method: str, path: str) -> tuple[Callable[[Api, Request], Any], tuple[str, ...]]:
        for (verb, pattern), handler in ROUTES.items():
            if verb == method and (match := re.fullmatch(pattern, path)):
                if self.cluster.has_master or path == "/":
                    return handler, match.groups()
                raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "master_not_discovered_exception", "no master")
        self.unknown.append(f"{method} {path}")
        reason = f"no handler found for uri [{path}] and method [{method}]"
        raise RefusedError(HTTPStatus.BAD_REQUEST, "illegal_argument_exception", reason)

    def _authenticate(self, authorization: str) -> None:
        user, _, password = base64.b64decode(authorization.removeprefix("Basic ") or b"").decode().partition(":")
        if not password or self.passwords.get(user) != password:
            reason = f"unable to authenticate user [{user}]"
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "security_exception", reason)

    def info(self, request: Request) -> Any:
        """The node's name and version, and the cluster."""
        uuid = UUID if self.cluster.has_master else "_na_"
        node = self.cluster.nodes[request.node]
        return {"name": node.name, "cluster_uuid": uuid, "version": {"number": node.version}}

    def health(self, _: Request) -> Any:
        """The cluster's health, and how many shards are in which state."""
        copies = [copy for copies in self.cluster.shards.values() for copy in copies]
        moving = sum(copy.state == "RELOCATING" for copy in copies)
        return {
            "status": self.cluster.health(),
            "timed_out": False,
            "number_of_nodes": len(self.cluster.nodes),
            "number_of_data_nodes": len(self.cluster.nodes),
            "active_primary_shards": sum(copy.primary and copy.started for copy in copies),
            "active_shards": sum(copy.started for copy in copies),
            "relocating_shards": moving,
            "initializing_shards": sum(copy.state == "INITIALIZING" for copy in copies),
            "unassigned_shards": sum(copy.state == "UNASSIGNED" for copy in copies),
        }

    def license(self, _: Request) -> Any:
        """The free licence."""
        return {"license": {"status": "active", "uid": "0b9a6e2c-basic", "type": "basic", "max_nodes": 1000}}

    def start_basic(self, _: Request) -> Any:
        """Refuses the free licence, which is the one there is."""
        raise RefusedError(HTTPStatus.FORBIDDEN, "security_exception", "Operation failed: Current license is basic.")

    def api_keys(self, _: Request) -> Any:
        """The API keys: there are none, which the operator would make for remote clusters."""
        return {"api_keys": []}

    def nodes(self, request: Request) -> Any:
        """The nodes, or the one that is the master."""
        chosen = self.cluster.nodes.items()
        if request.matched[0] == "_master":
            chosen = [one for one in chosen if one[0] in self.cluster.votes][:1]
        return {"nodes": {volume: self._node(pod) for volume, pod in chosen}}

    def _node(self, pod: Pod) -> Any:
        return {"name": pod.name, "version": pod.version, "roles": ROLES}

    def shards(self, _: Request) -> Any:
        """Where each copy of each shard is."""
        return [
            {
                "index": name,
                "shard": "0",
                "prirep": "p" if copy.primary else "r",
                "state": copy.state,
                "node": self.cluster.nodes[copy.node].name if copy.node else None,
            }
            for name, copies in self.cluster.shards.items()
            for copy in copies
        ]

    def shutdowns(self, request: Request) -> Any:
        """The planned shutdowns, or that of a node."""
        wanted = request.matched[0]
        return {
            "nodes": [
                self._shutdown(volume, one)
                for volume, one in self.cluster.shutdowns.items()
                if wanted in (None, volume)
            ]
        }

    def _shutdown(self, volume: str, shutdown: Shutdown) -> Any:
        status, remaining, explanation = self.cluster.migration(volume)
        return {
            "node_id": volume,
            "type": shutdown.type.upper(),
            "reason": shutdown.reason,
            "status": status,
            "shard_migration": {
                "status": status,
                "shard_migrations_remaining": remaining,
                **({"explanation": explanation} if explanation else {}),
            },
            "persistent_tasks": {"status": "COMPLETE"},
            "plugins": {"status": "COMPLETE"},
        }

    def shut_down(self, request: Request) -> Any:
        """Plans a shutdown."""
        content: dict[str, Any] = request.body or {}
        if content.get("type") not in ("restart", "remove") or not content.get("reason"):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "x_content_parse_exception", "[type] and [reason] are required")
        (volume,) = request.matched
        self.cluster.shutdowns[volume] = Shutdown(content["type"], content["reason"])
        if volume in self.cluster.nodes:
            self.cluster.story.append(f"{self.cluster.nodes[volume].name} is to {content['type']}")
        return {"acknowledged": True}

    def stay(self, request: Request) -> Any:
        """Takes back a planned shutdown."""
        if self.cluster.shutdowns.pop(request.matched[0], None) is None:
            reason = f"node [{request.matched[0]}] is not currently shutting down"
            raise RefusedError(HTTPStatus.NOT_FOUND, "resource_not_found_exception", reason)
        return {"acknowledged": True}

    def exclude(self, request: Request) -> Any:
        """Takes their vote from nodes."""
        names = {name for text in request.query.get("node_names", []) for name in text.split(",")}
        if not self.cluster.exclude(names):
            reason = f"timed out waiting for voting config exclusions of {sorted(names)} to take effect"
            raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "timeout_exception", reason)
        return {}

    def include(self, request: Request) -> Any:
        """Gives every node its vote back."""
        if request.query.get("wait_for_removal") != ["false"] and self.cluster.excluded & set(self.cluster.nodes):
            raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "timeout_exception", "nodes are still there")
        self.cluster.excluded.clear()
        return {}

    def desired(self, _: Request) -> Any:
        """The desired nodes as they were given last."""
        if not self.wanted:
            raise RefusedError(HTTPStatus.NOT_FOUND, "resource_not_found_exception", "Desired nodes not found")
        return self.wanted

    def desire(self, request: Request) -> Any:
        """Takes the desired nodes, if they are newer."""
        history, version = request.matched[0], int(request.matched[1])
        nodes = cast("list[dict[str, Any]]", request.body["nodes"])
        names = [one["settings"].get("node.name") or one["settings"].get("node", {}).get("name") for one in nodes]
        if not all(names) or not all(one.get("memory") and one.get("storage") for one in nodes):
            reason = "[update_desired_nodes_request] failed to parse field [nodes]"
            raise RefusedError(HTTPStatus.BAD_REQUEST, "x_content_parse_exception", reason)
        latest = self.wanted["version"] if self.wanted.get("history_id") == history else version
        if version < latest:
            reason = f"version [{version}] has been superseded by version [{latest}] for history [{history}]"
            raise RefusedError(HTTPStatus.CONFLICT, "version_conflict_exception", reason)
        if self.wanted.get("version") == latest == version and self.wanted["nodes"] != nodes:
            reason = f"Desired nodes with history [{history}] and version [{version}] already exists"
            raise RefusedError(HTTPStatus.BAD_REQUEST, "illegal_argument_exception", reason)
        self.wanted = {"history_id": history, "version": version, "nodes": nodes}
        return {"replaced_existing_history_id": False}

    def undesire(self, _: Request) -> Any:
        """Forgets the desired nodes."""
        self.wanted = {}
        return {}

    def settings(self, _: Request) -> Any:
        """The settings of the cluster."""
        return {"persistent": {}, "transient": self.transient}

    def set(self, request: Request) -> Any:
        """Sets transient settings, or removes them."""
        given: dict[str, Any] = request.body["transient"]
        self.transient = {name: one for name, one in {**self.transient, **given}.items() if one is not None}
        return {"acknowledged": True, **self.settings(request)}


ROUTES: Mapping[tuple[str, str], Callable[[Api, Request], Any]] = {
    ("GET", "/"): Api.info,
    ("GET", "/_cluster/health"): Api.health,
    ("GET", "/_license"): Api.license,
    ("POST", "/_license/start_basic"): Api.start_basic,
    ("GET", "/_security/api_key"): Api.api_keys,
    ("GET", "/_nodes/(_all|_master)(?:/no-metrics)?"): Api.nodes,
    ("GET", "/_cat/shards"): Api.shards,
    ("GET", "/_nodes(?:/([^/_][^/]*))?/shutdown"): Api.shutdowns,
    ("PUT", "/_nodes/([^/]+)/shutdown"): Api.shut_down,
    ("DELETE", "/_nodes/([^/]+)/shutdown"): Api.stay,
    ("POST", "/_cluster/voting_config_exclusions"): Api.exclude,
    ("DELETE", "/_cluster/voting_config_exclusions"): Api.include,
    ("GET", "/_internal/desired_nodes/_latest"): Api.desired,
    ("PUT", "/_internal/desired_nodes/([^/]+)/([0-9]+)"): Api.desire,
    ("DELETE", "/_internal/desired_nodes"): Api.undesire,
    ("GET", "/_cluster/settings"): Api.settings,
    ("PUT", "/_cluster/settings"): Api.set,
}
"""By method and path."""
