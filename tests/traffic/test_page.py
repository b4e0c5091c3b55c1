"""The page of releases in a headless Chromium: of every state of a service, and as the platform's own pod."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # pyright: ignore[reportMissingTypeStubs]
from playwright.sync_api import ConsoleMessage, Page, expect

from contract.identities import PAGE
from contract.namespaces import DELIVERY
from kube.client import UNREACHABLE, KubernetesApi, KubernetesApiError, KubernetesObject
from release import history
from release.goals import Deploy, Rollback
from release.history import Outcome
from tests.rehearsal.conftest import eventually
from tests.release.identities import patch, refusal, with_token
from tests.release.platform import objects
from tests.traffic.site import Site
from tests.unit.release.fake_cluster import FakeClock, FakeCluster
from tests.unit.release.faults import Faulty, KilledError
from tests.unit.release.page.site import served
from tests.unit.release.test_run import FIRST, SECOND, Fixture

PHONE, DESK = {"width": 320, "height": 640}, {"width": 1280, "height": 900}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
SECONDS = 30_000
"""In milliseconds: for a change to come from the cluster to the screen, on a busy machine."""


class Shaky:
    """A cluster that can be cut off."""

    is_concurrent = False

    def __init__(self, api: FakeCluster) -> None:
        self._api = api
        self.is_cut_off = False

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> KubernetesObject | None:
        """The object."""
        return self._api.get(api_version, kind, name, namespace)

    def list(self, api_version: str, kind: str, **options: Any) -> list[KubernetesObject]:
        """The objects."""
        if self.is_cut_off:
            raise KubernetesApiError("no answer from 10.0.0.1:443", status=UNREACHABLE, reason="Unreachable")
        return self._api.list(api_version, kind, **options)


def violations(page: Page) -> list[str]:
    """What axe finds, each with the elements: best practices and WCAG 2.2 AA."""
    axe: Any = Axe()
    found: list[dict[str, Any]] = axe.run(page).response["violations"]
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes']]}" for one in found]


def is_wider_than_the_screen(page: Page) -> bool:
    """Whether one has to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@contextmanager
def without_complaints(page: Page) -> Generator[None]:
    """Nothing that the browser complains of meanwhile, such as what the Content-Security-Policy forbids."""
    complaints: list[str] = []
    page.goto("about:blank")  # what it shows still may complain of a server that has ended

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", hear)
    try:
        yield
    finally:
        page.remove_listener("console", hear)
    assert complaints == []


@pytest.fixture
def every_state() -> tuple[Shaky, FakeClock]:
    """Services that are not released, that drift, whose slot was deleted, that are being released, and that fail."""
    fixture = Fixture(released=False)
    names = ("ai", "api", "broken", "fresh", "gone")
    fixture.cluster = FakeCluster(fixture.clock, [one for name in names for one in objects("dev", name)])
    fixture.run(Deploy(FIRST))
    (entry,) = fixture.state.history
    failed = replace(entry, id="2", outcome=Outcome.FAILED, reason="the smoke test failed: 500 at /health " * 3)
    build = "https://jenkins.example.com/job/api/7"
    history.write(fixture.cluster, "dev", "api", replace(failed, build=build, version="v2.13.0"))
    history.write(fixture.cluster, "dev", "broken", replace(entry, slot="blue"))
    fixture.cluster.delete("v1", "Service", "gone", "dev")
    with suppress(KilledError):
        fixture.run(Deploy(SECOND), Faulty(fixture.cluster, at="apply Deployment api-blue", fault="killed"))
    return Shaky(fixture.cluster), fixture.clock


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_state_is_accessible_on_a_desk_and_on_a_phone(
    open_page: Page, every_state: tuple[Shaky, FakeClock], scheme: Scheme
) -> None:
    cluster, clock = every_state
    open_page.emulate_media(color_scheme=scheme)
    with served(cluster, clock, "dev") as (url, _), without_complaints(open_page):
        open_page.goto(url)
        expect(open_page.locator("#connection")).to_have_text("Live.")
        for condition in ("releasing", "not released yet", "down", "unknown"):
            expect(open_page.locator("article .condition", has_text=condition).first).to_be_visible()
        open_page.locator("#service-dev-api-history > summary").click()
        for size in (DESK, PHONE):
            open_page.set_viewport_size(size)  # type: ignore[arg-type]
            assert violations(open_page) == []
            assert not is_wider_than_the_screen(open_page)
        cluster.is_cut_off = True
        expect(open_page.locator("#alert")).to_contain_text("no answer from 10.0.0.1:443")
        assert violations(open_page) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("document.documentElement.removeAttribute('lang')", "html-has-lang"),
        ("document.querySelector('h3').textContent = ''", "empty-heading"),
        ("document.body.style.setProperty('--text', '#999'); document.body.style.color = '#999'", "color-contrast"),
        ("document.querySelector('main').replaceWith(...document.querySelector('main').childNodes)", "region"),
        ("document.querySelectorAll('summary').forEach(one => one.textContent = '')", "summary-name"),
    ],
)
def test_what_makes_the_page_worse_is_found(
    open_page: Page, every_state: tuple[Shaky, FakeClock], change: str, rule: str
) -> None:
    """The test above can fail."""
    with served(*every_state, "dev") as (url, _):
        open_page.emulate_media(color_scheme="light")
        open_page.goto(url)
        expect(open_page.locator("#connection")).to_have_text("Live.")
        open_page.evaluate(f"() => {{ {change} }}")
        assert rule in {found.partition(":")[0] for found in violations(open_page)}


def test_a_keyboard_reaches_everything_and_keeps_its_place_when_the_page_changes(open_page: Page) -> None:
    fixture = Fixture()
    with served(fixture.cluster, fixture.clock, "dev") as (url, _):
        open_page.set_viewport_size(DESK)  # type: ignore[arg-type]
        open_page.goto(url)
        expect(open_page.locator("#connection")).to_have_text("Live.")
        open_page.keyboard.press("Tab")
        expect(open_page.locator(".skip")).to_be_focused()
        expect(open_page.locator(".skip")).to_be_in_viewport()
        open_page.keyboard.press("Enter")
        expect(open_page.locator("main")).to_be_focused()
        place = open_page.locator("#service-dev-api-history > summary")
        for _ in range(20):
            if place.evaluate("one => one === document.activeElement"):
                break
            open_page.keyboard.press("Tab")
        expect(place).to_be_focused()
        open_page.keyboard.press("Enter")
        expect(open_page.locator("#service-dev-api-history")).to_have_attribute("open", "")
        fixture.run(Deploy(SECOND))
        expect(open_page.locator("#service-dev-api tr.live .slot")).to_have_text("blue", timeout=SECONDS)
        expect(open_page.locator("#service-dev-api-history")).to_have_attribute("open", "")
        expect(place).to_be_focused()
        expect(open_page.locator("#news")).to_contain_text("api in dev: slot blue is live.")


def test_the_staff_see_it_by_the_front_door_and_others_do_not(serving: Site, open_page: Page) -> None:
    with without_complaints(open_page):
        eventually(lambda: serving.get(page_host(serving))[0] == 200, "the page is served")
        answer = open_page.goto(serving.entrance.hosts["releases"])
    assert answer is not None
    assert answer.status == 200
    expect(open_page.locator("#connection")).to_have_text("Live.", timeout=SECONDS)
    for environment in ("dev", "prod"):
        expect(open_page.get_by_role("region", name=environment, exact=True)).to_be_visible()
        shown = open_page.locator(f"section#{environment} article")
        expect(shown).to_have_count(len(serving.outputs["repositories"]))
    expect(open_page.locator("#about-dev")).to_contain_text(serving.outputs["hosts"]["dev"])
    expect(open_page.locator("#about-dev")).to_contain_text(".elb.")
    assert violations(open_page) == []
    forbidden = open_page.goto(serving.entrance.outside["releases"])
    assert forbidden is not None
    assert forbidden.status == 403


def test_a_release_and_its_way_back_are_seen_as_they_happen(serving: Site, open_page: Page) -> None:
    open_page.goto(serving.entrance.hosts["releases"])
    card = open_page.locator("#service-dev-frontend")
    expect(card.locator("tr.live .slot")).to_have_text(serving.state("dev", "frontend").live)
    open_page.evaluate("window.isSame = true")
    for goal in (Deploy(serving.new_image("dev", "frontend")), Rollback()):
        state = serving.release("dev", "frontend", goal).state
        expect(card.locator("tr.live .slot")).to_have_text(state.live, timeout=SECONDS)
        assert state.live_slot.revision is not None
        digits = state.live_slot.revision.digest.removeprefix("sha256:")[:12]
        expect(card.locator("tr.live summary")).to_contain_text(digits)
        expect(open_page.locator("#news")).to_contain_text("frontend in dev", timeout=SECONDS)
    expect(card).to_contain_text("rollback")
    expect(card).to_contain_text("tester")
    assert open_page.evaluate("window.isSame"), "it was never loaded again"


def test_its_identity_reads_no_secret_and_changes_nothing(serving: Site) -> None:
    api = KubernetesApi(with_token(serving.layout.kubeconfig, PAGE))
    service = serving.service("dev", "api")
    assert api.list("v1", "Service", namespace="dev")
    for namespace in ("dev", "prod", DELIVERY):
        assert "forbidden" in str(refusal(lambda where=namespace: api.list("v1", "Secret", namespace=where)))
    change = [{"op": "replace", "path": "/spec/selector/slot", "value": "green"}]
    assert "forbidden" in str(refusal(lambda: patch(api, service, change)))


def test_an_api_server_that_is_gone_is_said_with_the_age_of_what_was_seen(serving: Site, open_page: Page) -> None:
    open_page.goto(serving.entrance.hosts["releases"])
    expect(open_page.locator("#connection")).to_have_text("Live.", timeout=SECONDS)
    serving.kill("kube-apiserver")
    try:
        expect(open_page.locator("#alert")).to_contain_text("The cluster cannot be read.", timeout=SECONDS)
        expect(open_page.locator("#alert time")).to_have_text(re.compile(r"^[1-9]\d*s$"), timeout=SECONDS)
        expect(open_page.locator("section#dev article")).to_have_count(len(serving.outputs["repositories"]))
    finally:
        serving.start()
    expect(open_page.locator("#alert p")).to_have_count(0, timeout=2 * SECONDS)
    expect(open_page.locator("#connection")).to_have_text("Live.", timeout=SECONDS)


def page_host(serving: Site) -> str:
    """The page's host on this machine."""
    return serving.entrance.hosts["releases"].removeprefix("http://").rpartition(":")[0]
