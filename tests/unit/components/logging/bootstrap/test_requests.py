"""Every request to Elasticsearch is one that Elastic's own client of the same version would send.

The client is generated from Elastic's specification: it has each path, each key of a body, the options of each field
type, and the names of privileges. https://github.com/elastic/elasticsearch-specification
"""

from __future__ import annotations

import inspect
import json
import re
import typing
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import elasticsearch as product
import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig, Transport, TransportApiResponse
from elasticsearch.dsl import field

import versions
from components.logging.access import ROLES
from components.logging.bootstrap.job import elasticsearch
from components.logging.bootstrap.job.client import Request
from tools.program.graph import every

REQUESTS = every(
    [
        elasticsearch.ready(),
        *elasticsearch.requests("logs-hello", {"dev": 7, "prod": 90}),
        *elasticsearch.snapshots("logs-hello", bucket="b", days=14),
    ]
)
OPTIONS = ("meta", "properties", "self", "args", "kwargs")

Sent = tuple[str, str, dict[str, str], Any]


class Recorder(Transport):
    """A transport that records requests and sends none."""

    sent: typing.ClassVar[list[Sent]] = []

    def perform_request(self, method: str, target: str, *, body: Any = None, **_: Any) -> TransportApiResponse:
        """Records a request."""
        url = urlsplit(target)
        self.sent.append((method, url.path, dict(parse_qsl(url.query)), body))
        node = NodeConfig("http", "nobody", 9200)
        headers = HttpHeaders({"x-elastic-product": "Elasticsearch"})
        meta = ApiResponseMeta(status=200, http_version="1.1", headers=headers, duration=0.0, node=node)
        return TransportApiResponse(meta, {})


def client() -> product.Elasticsearch:
    return product.Elasticsearch("http://nobody:9200", transport_class=Recorder)


def send(request: Request) -> None:
    """Sends the same request by Elastic's client, which rejects unknown keys."""
    url, body = urlsplit(request.path), cast("dict[str, Any]", request.body or {})
    name = url.path.rpartition("/")[2]
    elastic = client()
    by_path: Mapping[str, Callable[[], object]] = {
        "/_cluster/health": lambda: elastic.cluster.health(**cast("Any", dict(parse_qsl(url.query)))),
        "/_ilm/policy/": lambda: elastic.ilm.put_lifecycle(name=name, **body),
        "/_index_template/": lambda: elastic.indices.put_index_template(name=name, **body),
        "/_data_stream/": lambda: elastic.indices.create_data_stream(name=name, **body),
        "/_snapshot/": lambda: elastic.snapshot.create_repository(name=name, repository=body),
        "/_slm/policy/": lambda: elastic.slm.put_lifecycle(policy_id=name, **body),
    }
    (call,) = (method for path, method in by_path.items() if url.path.startswith(path))
    call()


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: f"{one.method} {one.path}")
def test_the_products_own_client_would_send_it(request_: Request) -> None:
    Recorder.sent.clear()
    send(request_)
    (sent,) = Recorder.sent
    url = urlsplit(request_.path)
    assert sent == (request_.method, url.path, dict(parse_qsl(url.query)), request_.body)


def test_the_client_refuses_a_key_that_there_is_not() -> None:
    with pytest.raises(TypeError, match="indexPatterns"):
        send(Request("PUT", "/_index_template/one", {"indexPatterns": ["logs"]}))


@pytest.mark.parametrize("name", elasticsearch.PROPERTIES)
def test_every_field_has_options_of_its_type_only(name: str) -> None:
    for kind, options in fields(elasticsearch.PROPERTIES[name]):
        (known,) = (one for one in vars(field).values() if getattr(one, "name", None) == kind)
        assert set(options) <= set(inspect.signature(known.__init__).parameters) - set(OPTIONS), kind


def fields(mapping: Mapping[str, Any]) -> list[tuple[str, set[str]]]:
    """Type and options of a field, or of its sub-fields."""
    if "properties" in mapping:
        return [options for inner in mapping["properties"].values() for options in fields(inner)]
    return [(str(mapping["type"]), set(mapping) - {"type"})]


@pytest.mark.parametrize("role", ROLES)
def test_every_privilege_on_the_cluster_is_one_that_there_is(role: str) -> None:
    hints = str(inspect.signature(client().security.put_role).parameters["cluster"].annotation)
    known = set(re.findall(r"'(\w+)'|\"(\w+)\"", hints))
    names = {one or other for one, other in known}
    assert "manage_slm" in names
    given = cast("dict[str, list[str]]", ROLES[role]).get("cluster", [])
    # An action's own name, such as cluster:admin/…, is a privilege, too.
    assert {one for one in given if ":" not in one} <= names


def test_the_client_is_of_elasticsearchs_version() -> None:
    assert version("elasticsearch").split(".")[:2] == versions.ELASTIC.split(".")[:2]


def test_bodies_are_json() -> None:
    for one in REQUESTS:
        json.dumps(one.body)
