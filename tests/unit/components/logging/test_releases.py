"""Events of releases: what the reconciler announces goes to its environment, with the fields of the annotations."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from components.logging.bootstrap.job.elasticsearch import PROPERTIES
from components.logging.fluentd.releases import FIELDS
from contract.identities import RECONCILER
from contract.namespaces import DELIVERY
from release.announcements import Announcement, Kind
from tests.unit.components.delivery.jenkins import with_jenkins
from tests.unit.components.logging import real_fluentd
from tests.unit.components.logging.fluentd_emulator import Fluentd
from tests.unit.components.logging.golden_lines import TEXT, UID

ANNOUNCEMENT = Announcement(Kind.SWITCHED, "prod", "api", "green", "api: users are switched to green", "4711")
LINE = json.dumps(ANNOUNCEMENT.to_json())
FILE = f"{DELIVERY}_{RECONCILER}-6f7c9d-x2b4k_{UID}/reconciler/0.log"


def events(line: str, file: str = FILE, folder: Path | None = None) -> list[dict[str, Any]]:
    """The events of a line; those of the real Fluentd, with a folder."""
    logged = f"2026-11-23T10:00:00.123456789+09:00 stdout F {line}".encode()
    if folder is None:
        return Fluentd(TEXT).read(f"/var/log/pods/{file}", [logged])
    return real_fluentd.events(os.environ["HELLO_FLUENTD"], TEXT, {file: logged + b"\n"}, folder)


def is_right(event: dict[str, Any]) -> None:
    assert {name: event[name] for name in FIELDS} == {
        "release": ANNOUNCEMENT.text,
        "release_event": "switched",
        "environment": "prod",
    }
    assert event["level"] == "info"


def test_an_announcement_is_an_event_of_its_environment() -> None:
    (event,) = events(LINE)
    is_right(event)
    for name in FIELDS:
        assert PROPERTIES[name]["type"] == "keyword"


if "HELLO_FLUENTD" in os.environ:  # without one, there is no test, instead of a skipped one

    def test_it_is_for_the_real_fluentd(tmp_path: Path) -> None:
        (event,) = events(LINE, folder=tmp_path)
        is_right(event)


@pytest.mark.parametrize(
    "line", ["Reconciling dev and prod as hello-reconciler", '{"note":"x"}', '{"environment":"x"}']
)
def test_other_lines_of_the_reconciler_are_the_platforms(line: str) -> None:
    (event,) = events(line)
    assert (event["environment"], event["release"], event["release_event"]) == ("platform", None, None)


@pytest.mark.parametrize(
    "file",
    [
        f"dev_{RECONCILER}-6f7c9d-x2b4k_{UID}/reconciler/0.log",
        f"{DELIVERY}_agent-x2b4k_{UID}/reconciler/0.log",
        f"{DELIVERY}_{RECONCILER}-6f7c9d-x2b4k_{UID}/other/0.log",
    ],
)
def test_nobody_else_makes_an_event_of_a_release(file: str) -> None:
    (event,) = events(LINE, file)
    assert not {"release", "release_event"} & set(event)
    assert event["environment"] == ("dev" if file.startswith("dev_") else "platform")


def test_the_reconcilers_pod_has_the_names_of_the_pattern() -> None:
    (deployment,) = (one for one in with_jenkins().of_kind("Deployment") if one.metadata["name"] == RECONCILER)
    assert deployment.metadata["namespace"] == DELIVERY
    (container,) = deployment.spec["template"]["spec"]["containers"]
    assert container["name"] == "reconciler"
