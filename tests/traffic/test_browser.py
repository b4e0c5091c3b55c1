"""The platform in a browser: Debian's headless Chromium."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from release.goals import Deploy
from tests.traffic.browser import take_pictures
from tests.traffic.site import Site


@pytest.mark.parametrize("environment", ["prod", "dev"])
def test_a_host_shows_its_environment(serving: Site, open_page: Page, environment: str) -> None:
    answer = open_page.goto(serving.entrance.hosts[environment])
    assert answer is not None
    assert answer.status == 200
    expect(open_page.locator("#environment")).to_have_text(environment)
    expect(open_page.locator("#service")).to_have_text("frontend")


def test_an_unknown_host_is_not_found(serving: Site, open_page: Page) -> None:
    answer = open_page.goto(f"http://other.hello.localhost:{serving.port}")
    assert answer is not None
    assert answer.status == 404


def test_a_host_of_the_staff_is_forbidden_from_outside_and_users_host_is_not(serving: Site, open_page: Page) -> None:
    forbidden = open_page.goto(serving.entrance.outside["dev"])
    assert forbidden is not None
    assert forbidden.status == 403
    allowed = open_page.goto(serving.entrance.outside["prod"])
    assert allowed is not None
    assert allowed.status == 200


def test_a_switch_on_dev_is_seen_there_live_and_never_on_prod(serving: Site, open_page: Page) -> None:
    prod = open_page.context.new_page()
    prod.goto(serving.entrance.hosts["prod"])
    open_page.goto(serving.entrance.hosts["dev"])
    live = {environment: serving.state(environment, "frontend").live for environment in ("dev", "prod")}
    for page, environment in ((open_page, "dev"), (prod, "prod")):
        expect(page.locator("#slot")).to_have_text(live[environment])
    result = serving.release("dev", "frontend", Deploy(serving.new_image("dev", "frontend")))
    assert result.state.live != live["dev"]
    expect(open_page.locator("#slot")).to_have_text(result.state.live, timeout=30_000)
    for page, environment in ((open_page, "dev"), (prod, "prod")):
        expect(page.locator("#environment")).to_have_text(environment)
    expect(prod.locator("#slot")).to_have_text(live["prod"])
    assert prod.locator(f"#last li:not(.{live['prod']})").count() == 0
    assert open_page.locator("#last li.lost").count() == 0
    versions = set(open_page.locator("#last li").evaluate_all("cells => cells.map(cell => cell.title)"))
    shares = re.findall(r"(\S+) (\d+) %", open_page.locator("#shares").text_content() or "")
    assert {name for name, _ in shares} == versions
    assert len(versions) == 2, "the old version, and the new one"


def test_pictures_are_taken_of_both(serving: Site, open_page: Page, tmp_path: Path) -> None:
    for picture in take_pictures(open_page, serving.entrance, tmp_path):
        assert picture.read_bytes().startswith(b"\x89PNG")
