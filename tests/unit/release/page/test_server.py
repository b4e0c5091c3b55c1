"""The page over HTTP: what it answers, what it never shows, and what it pushes."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest

from contract import labels
from kube.client import UNREACHABLE, KubernetesApiError, KubernetesObject
from release import history
from release.goals import Deploy
from release.history import Outcome
from release.page import server
from release.page.lookout import ALIVE_SECONDS
from release.page.server import HEADERS, update
from release.page.view import Look
from tests.release.platform import objects
from tests.unit.release.fake_cluster import FakeClock, FakeCluster
from tests.unit.release.faults import Faulty, KilledError
from tests.unit.release.page.site import served, until
from tests.unit.release.test_run import FIRST, SECOND, Fixture

MARK = "c0ffee-secret"
"""In every place in which a secret may be."""


class Cluster:
    """A cluster that can be cut off, and keeps what is asked for."""

    is_concurrent = False

    def __init__(self, api: FakeCluster) -> None:
        self._api = api
        self.is_cut_off = False
        self.kinds: set[str] = set()

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> KubernetesObject | None:
        """The object."""
        self._ask(kind)
        return self._api.get(api_version, kind, name, namespace)

    def list(self, api_version: str, kind: str, **options: Any) -> list[KubernetesObject]:
        """The objects."""
        self._ask(kind)
        return self._api.list(api_version, kind, **options)

    def _ask(self, kind: str) -> None:
        self.kinds.add(kind)
        if self.is_cut_off:
            raise KubernetesApiError("no answer from 10.0.0.1:443", status=UNREACHABLE, reason="Unreachable")


class Page(HTMLParser):
    """The elements and ids of a document."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps an element."""
        self.elements.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id" and value]


def get(url: str, method: str = "GET") -> tuple[int, str, dict[str, str]]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    with suppress(OSError):
        connection.request(method, parts.path or "/")
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, {name.lower(): value for name, value in answer.getheaders()}


@contextmanager
def pushed(url: str) -> Generator[Iterator[dict[str, Any]]]:
    """What is pushed to a browser."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("GET", "/events")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.getheader("content-type", "").startswith("text/event-stream")

    def messages() -> Iterator[dict[str, Any]]:
        while line := answer.readline().decode():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))

    try:
        yield messages()
    finally:
        answer.close()
        connection.close()


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    """A service that was released once, in whose every corner there is a secret."""
    found = Fixture(released=False)
    made = objects("dev", "api", configuration="api-0123456789")
    (template,) = (one["template"] for one in made if one["kind"] == "PodTemplate")
    template["spec"]["containers"][0]["env"] = [{"name": "TOKEN", "value": MARK}]
    template["spec"]["containers"][0]["command"] = ["run", f"--token={MARK}"]
    template["metadata"]["annotations"] = {"note": MARK}
    metadata = {"name": "api-0123456789", "namespace": "dev", "labels": {labels.SERVICE: "api"}}
    data = {"apiVersion": "v1", "metadata": metadata, "data": {"PASSWORD": MARK}}
    found.cluster = FakeCluster(found.clock, [*made, {**data, "kind": "Secret"}, {**data, "kind": "ConfigMap"}])
    found.run(Deploy(FIRST))
    return found


@pytest.fixture(scope="module")
def site(fixture: Fixture) -> Iterator[tuple[str, Cluster]]:
    cluster = Cluster(fixture.cluster)
    with served(cluster, fixture.clock, "dev") as (url, _):
        yield url, cluster


def test_the_page_the_json_and_what_is_pushed_have_no_secret_and_none_is_asked_for(
    site: tuple[str, Cluster], fixture: Fixture
) -> None:
    url, cluster = site
    assert MARK in str(fixture.cluster.list("apps/v1", "Deployment", namespace="dev")), "there is one"
    with pushed(url) as messages:
        first = next(messages)
    texts = {"/": get(f"{url}/")[1], "/state.json": get(f"{url}/state.json")[1], "/events": json.dumps(first)}
    for path, text in texts.items():
        assert "api" in text, path
        assert MARK not in text, path
        assert "TOKEN" not in text, path
    assert "Deployment" in cluster.kinds
    assert "Secret" not in cluster.kinds


@pytest.mark.parametrize("path", ["/", "/state.json", "/static/page.js", "/static/page.css", "/static/icon.svg", "/no"])
def test_every_answer_has_the_headers_of_security(site: tuple[str, Cluster], path: str) -> None:
    status, _, headers = get(f"{site[0]}{path}")
    assert status == (404 if path == "/no" else 200)
    assert {name: headers[name.lower()] for name in HEADERS} == HEADERS
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/state.json", "/events", "/static/page.js"])
def test_nothing_can_be_changed(site: tuple[str, Cluster], method: str, path: str) -> None:
    assert get(f"{site[0]}{path}", method)[0] == 405


def test_nothing_but_the_pages_own_files_is_served(site: tuple[str, Cluster]) -> None:
    for path in ("/static/../server.py", "/static/%2e%2e/server.py", "/templates/page.html"):
        assert get(f"{site[0]}{path}")[0] == 404


def test_the_page_is_a_document_of_its_own_files_without_inline_scripts_or_styles(site: tuple[str, Cluster]) -> None:
    page = Page(get(f"{site[0]}/")[1])
    assert len(page.ids) == len(set(page.ids))
    sources = [
        attributes.get("src") or attributes.get("href")
        for tag, attributes in page.elements
        if tag in ("script", "link")
    ]
    assert sources
    assert all(str(one).startswith("static/") for one in sources)
    assert not [tag for tag, attributes in page.elements if tag == "style" or "style" in attributes]
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    landmarks = {tag for tag, _ in page.elements}
    assert {"header", "nav", "main", "footer", "h1", "h2", "h3", "th", "caption"} <= landmarks


def test_what_people_wrote_is_text_and_no_markup() -> None:
    fixture = Fixture()
    (entry,) = fixture.state.history
    bad = "<img src=x onerror=alert(1)>"
    written = replace(entry, by=bad, reason=bad, outcome=Outcome.FAILED, build="javascript:alert(1)")
    history.write(fixture.cluster, "dev", "api", written)
    with served(fixture.cluster, fixture.clock, "dev") as (url, _):
        text = get(f"{url}/")[1]
    assert "&lt;img src=x" in text
    assert "<img" not in text
    assert "javascript:" not in text


def test_a_change_is_pushed_to_every_browser_and_only_what_changed() -> None:
    fixture = Fixture()
    fixture.cluster = FakeCluster(fixture.clock, [*objects("dev", "ai"), *objects("dev", "api")])
    fixture.run(Deploy(FIRST))
    with (
        served(fixture.cluster, fixture.clock, "dev") as (url, lookout),
        pushed(url) as one,
        pushed(url) as other,
    ):
        first = next(one)
        next(other)
        assert first["parts"].keys() == {"alert", "about-dev", "service-dev-ai", "service-dev-api"}
        until(lambda: lookout.watchers == 2)
        with suppress(KilledError):
            fixture.run(Deploy(SECOND), Faulty(fixture.cluster, at="apply Deployment api-blue", fault="killed"))
        for messages in (one, other):
            changes: dict[str, str] = {}
            news: list[str] = []
            while 'aria-current="step"' not in changes.get("service-dev-api", ""):
                message = next(messages)
                changes |= message["parts"]
                news += message["news"]
                assert message["keys"] == first["keys"]
            assert "service-dev-ai" not in changes
            assert news == ["api in dev: tester began a deploy."]
    until(lambda: lookout.watchers == 0)


def test_a_cluster_that_does_not_answer_is_said_and_what_was_seen_before_stays() -> None:
    fixture = Fixture()
    cluster = Cluster(fixture.cluster)
    with served(cluster, fixture.clock, "dev") as (url, lookout), pushed(url) as messages:
        seen = next(messages)
        cluster.is_cut_off = True
        failed = next(message for message in messages if message["failed"])
        assert (failed["read"], failed["parts"].keys()) == (seen["read"], {"alert"})
        assert "no answer from 10.0.0.1:443" in failed["parts"]["alert"]
        assert failed["news"] == ["The cluster cannot be read: the API server: no answer from 10.0.0.1:443"]
        fixture.clock.sleep(90)
        text = get(f"{url}/")[1]
        assert "What is below was read <time data-age" in text
        assert ">1m</time> ago" in text
        assert 'id="service-dev-api"' in text
        assert get(f"{url}/readyz")[0] == 200, "the page says more than a load balancer's 503"
        cluster.is_cut_off = False
        again = next(message for message in messages if not message["failed"])
        assert again["news"] == ["The cluster can be read again."]
        assert lookout.look.error is None


def test_a_page_without_any_data_says_so() -> None:
    fixture = Fixture()
    cluster = Cluster(fixture.cluster)
    cluster.is_cut_off = True
    with served(cluster, fixture.clock, "dev") as (url, _):
        text = get(f"{url}/")[1]
    assert "Nothing has been read yet." in text


def test_browsers_that_know_other_services_are_told_by_the_key(site: tuple[str, Cluster]) -> None:
    page = Page(get(f"{site[0]}/")[1])
    ((_, root),) = [one for one in page.elements if one[0] == "html"]
    with pushed(site[0]) as messages:
        assert next(messages)["keys"] == root["data-keys"]
    assert update(None, Look(), now=FakeClock().now())["keys"] != root["data-keys"]


def test_too_many_browsers_are_sent_away(site: tuple[str, Cluster], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_WATCHERS", 0)
    status, _, headers = get(f"{site[0]}/events")
    assert (status, headers["retry-after"]) == (503, "10")


def test_it_lives_while_it_looks() -> None:
    fixture, goes_on = Fixture(), threading.Event()

    class Stuck(Cluster):
        def list(self, api_version: str, kind: str, **options: Any) -> list[KubernetesObject]:
            if "PodTemplate" in self.kinds:
                goes_on.wait(10)
            return super().list(api_version, kind, **options)

    cluster = Cluster(fixture.cluster)
    with served(cluster, fixture.clock, "dev") as (url, lookout):
        assert get(f"{url}/healthz")[0] == 200
        cluster.__class__ = Stuck
        with pushed(url) as messages:
            next(messages)
            until(lambda: lookout.watchers == 1)
            fixture.clock.sleep(ALIVE_SECONDS + 1)
            assert get(f"{url}/healthz")[0] == 503
            goes_on.set()
            until(lambda: get(f"{url}/healthz")[0] == 200)


def test_it_ends_at_once_though_a_browser_watches() -> None:
    fixture = Fixture()
    with served(fixture.cluster, fixture.clock, "dev") as (url, _), pushed(url) as messages:
        next(messages)
    with pytest.raises(ConnectionError), socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 2):
        pass
