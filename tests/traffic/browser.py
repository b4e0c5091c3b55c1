"""Debian's headless Chromium. `python -m tests.traffic.browser STACK` takes the screenshots in the docs."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright
from rich.console import Console

from rehearsal.front_door.running import Entrance, entrance
from rehearsal.layout import CHECKOUT, Layout
from rehearsal.lifecycle import Rehearsal

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

ANSWERS = 8
"""How many answers a picture shows."""


def chromium() -> str | None:
    """Where the browser is."""
    return shutil.which("chromium")


@contextmanager
def pages() -> Generator[Page]:
    """A page of a browser with a profile of its own."""
    with tempfile.TemporaryDirectory(prefix="browser-") as profile, sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium(), args=list(FLAGS), headless=True, viewport={"width": 800, "height": 500}
        )
        try:
            yield browser.new_page()
        finally:
            browser.close()


def take_pictures(page: Page, door: Entrance, folder: Path) -> list[Path]:
    """Takes a picture of each environment's host, some answers after it was opened, and of the page of releases.

    Args:
        page: A page.
        door: Where the hosts are.
        folder: Where the pictures go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {environment: folder / f"{environment}.png" for environment in ("prod", "dev")}
    for environment, file in files.items():
        page.goto(door.hosts[environment])
        expect(page.locator("#last li")).to_have_count(ANSWERS, timeout=30_000)
        page.screenshot(path=file)
    if "releases" in door.hosts:
        files["releases"] = folder / "releases.png"
        page.set_viewport_size({"width": 1180, "height": 900})
        page.goto(door.hosts["releases"])
        expect(page.locator("#connection")).to_have_text("Live.", timeout=30_000)
        page.screenshot(path=files["releases"])
    return list(files.values())


def main(stack: str) -> None:
    """Takes the pictures of a stack that is up on this machine into `docs/images/`."""
    layout = Layout.of_stack(stack)
    door = entrance(layout, Rehearsal(stack, layout, Console()).outputs()["hosts"])
    if door is None:
        sys.exit(f"error: stack {stack} has no front door here.\n  What to do: run `make up STACK={stack}`.")
    with pages() as page:
        take_pictures(page, door, CHECKOUT / "docs" / "images")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["dev"]))
