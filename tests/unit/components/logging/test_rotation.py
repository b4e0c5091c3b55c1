"""A kubelet rotates a container's log file while Fluentd reads it, restarts, or cannot hand over."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from components.logging.fluentd.lines import FILES
from tests.unit.components.logging import rotation
from tests.unit.components.logging.fluentd_emulator import Fluentd
from tests.unit.components.logging.golden_lines import TEXT, UID

FOLDER = f"/var/log/pods/dev_api-blue-5d8.7_{UID}/api"


@pytest.mark.parametrize("name", ["0.log", "12.log", "0.log.20260101-000000"])
def test_the_current_file_and_the_rotated_one_are_of_the_same_container(name: str) -> None:
    (event,) = Fluentd(TEXT).read(f"{FOLDER}/{name}", [b"2026-11-23T10:00:00.123456789+09:00 stdout F one"])
    assert event["kubernetes"] == {"namespace_name": "dev", "container_name": "api"}


@pytest.mark.parametrize("name", ["0.log.20260101-000000.gz", "0.log.20260101-000000.tmp", "core"])
def test_compressed_files_are_not_read(name: str) -> None:
    """https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/kubelet/logs/container_log_manager.go."""
    assert not any(fnmatchcase(f"{FOLDER}/{name}", one) for one in FILES)


if "HELLO_FLUENTD" in os.environ:  # without one, there is no test, instead of a skipped one

    @pytest.mark.parametrize("scenario", [rotation.rotated_once, rotation.restarted, rotation.outage])
    def test_one_rotation_loses_and_doubles_nothing(scenario: rotation.Scenario, tmp_path: Path) -> None:
        with rotation.node(os.environ["HELLO_FLUENTD"], tmp_path) as node:
            scenario(node, 0.5)
            assert node.counted() == (node.container.written, 0, 0)
            assert node.receiver.lost_bytes == 0

    def test_what_two_rotations_lose_is_an_event_and_no_more(tmp_path: Path) -> None:
        with rotation.node(os.environ["HELLO_FLUENTD"], tmp_path) as node:
            node.container.write(0.2)
            node.settle()
            node.stop()
            rotation.rotated_twice(node, 0.5)
            node.start()
            node.settle()
            written, lost, doubled = node.counted()
            assert written > lost > 0
            assert doubled == 0
            assert node.receiver.lost_bytes == lost * len(node.container.line(1))
