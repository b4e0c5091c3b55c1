"""What is counted as lost: files that were compressed before Fluentd had read them, by inode, as a kubelet does it."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from components.logging.bootstrap.job.elasticsearch import PROPERTIES
from components.logging.fluentd import lost
from tests.unit.components.logging.golden_lines import UID

pytestmark = pytest.mark.skipif(shutil.which("ruby") is None, reason="needs ruby (Debian's package)")


@dataclass
class Disk:
    """A node's log files of one container, and Fluentd's read positions."""

    root: Path

    def __post_init__(self) -> None:
        self.folder = self.root / f"pods/prod_api-blue-5d8.7_{UID}/api"
        self.folder.mkdir(parents=True)
        self.positions: dict[int, tuple[str, int]] = {}
        self.open: list[IO[bytes]] = []

    def write(self, name: str, size: int, read: int) -> Path:
        """Writes a file so long, read so far by Fluentd."""
        path = self.folder / name
        path.write_bytes(b"x" * size)
        self.positions[path.stat().st_ino] = (str(path), read)
        return path

    def compress(self, path: Path, *, is_open: bool = False) -> int:
        """Compresses a file; Fluentd notices that it is gone, unless it is reading it. Returns its inode."""
        Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))
        inode = path.stat().st_ino
        if is_open:
            self.open.append(path.open("rb"))
        else:
            self.close(inode)
        path.unlink()
        return inode

    def close(self, inode: int) -> None:
        """Fluentd reads a file no more."""
        self.positions[inode] = (self.positions[inode][0], 2**64 - 1)

    def look(self) -> list[dict[str, Any]]:
        """The events of a run of the program."""
        file = self.root / "positions"
        lines = [f"{path}\t{position:016x}\t{inode:016x}\n" for inode, (path, position) in self.positions.items()]
        file.write_text("".join(lines), encoding="utf-8")
        program = Path(lost.__file__).parent / lost.NAME
        command = ["ruby", "--disable-gems", program, self.root / "pods", file, self.root / "state"]
        run = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            env={"K8S_NODE_NAME": "node-1", "PATH": "/usr/bin:/usr/local/bin:/bin"},
        )
        assert not run.stderr
        return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def sizes(events: list[dict[str, Any]]) -> list[int]:
    return [event["lost_bytes"] for event in events]


def test_a_file_that_was_read_to_its_end_is_no_loss(disk: Disk) -> None:
    rotated = disk.write("0.log.20260101-000000", 5000, 5000)
    disk.write("0.log", 10, 10)
    assert disk.look() == []
    disk.compress(rotated)
    assert disk.look() == []


def test_the_rest_of_a_file_is_lost_once_with_its_container(disk: Disk) -> None:
    rotated = disk.write("0.log.20260101-000000", 5000, 1800)
    disk.look()
    disk.compress(rotated)
    (event,) = disk.look()
    assert event["lost_bytes"] == 3200
    assert event["kubernetes"] == {
        "host": "node-1",
        "namespace_name": "prod",
        "pod_name": "api-blue-5d8.7",
        "container_name": "api",
    }
    assert set(event) <= set(PROPERTIES)
    assert set(event["kubernetes"]) <= set(PROPERTIES["kubernetes"]["properties"])
    assert disk.look() == []


def test_what_came_and_went_while_nobody_looked_is_lost_as_a_whole(disk: Disk) -> None:
    current = disk.write("0.log", 4000, 1000)
    disk.look()
    # Fluentd was down for two rotations: the first file was the current one, the second one was never seen.
    disk.compress(current.rename(disk.folder / "0.log.20260101-000000"))
    disk.compress(disk.write("0.log.20260101-001000", 700, 0))
    disk.write("0.log", 50, 0)
    assert sizes(disk.look()) == [3700]


def test_what_fluentd_still_reads_of_a_compressed_file_is_no_loss(disk: Disk) -> None:
    rotated = disk.write("0.log.20260101-000000", 5000, 1800)
    disk.look()
    inode = disk.compress(rotated, is_open=True)
    assert disk.look() == []
    disk.positions[inode] = (str(rotated), 4200)
    assert disk.look() == []
    disk.close(inode)
    assert sizes(disk.look()) == [800]
    assert disk.look() == []


def test_a_new_file_with_the_inode_of_the_old_one_has_nothing_to_do_with_it(disk: Disk) -> None:
    rotated = disk.write("0.log.20260101-000000", 5000, 1800)
    disk.look()
    kept = disk.folder / "kept"
    kept.hardlink_to(rotated)
    inode = disk.compress(rotated, is_open=True)
    assert disk.look() == []
    disk.positions[inode] = (str(kept.rename(disk.folder / "0.log")), 4900)
    assert sizes(disk.look()) == [3200]


def test_the_state_of_an_earlier_version_is_as_none(disk: Disk) -> None:
    disk.compress(disk.write("0.log.20260101-000000", 5000, 0))
    (disk.root / "state").write_text('{"archives": [], "read": {}}')
    assert disk.look() == []


def test_files_from_before_the_first_look_are_no_loss(disk: Disk) -> None:
    disk.compress(disk.write("0.log.20260101-000000", 5000, 0))
    assert disk.look() == []
    disk.compress(disk.write("0.log.20260101-001000", 600, 0))
    assert sizes(disk.look()) == [600]


def test_a_pod_that_goes_is_no_loss(disk: Disk) -> None:
    disk.write("0.log", 4000, 3000)
    disk.look()
    shutil.rmtree(disk.folder)
    assert disk.look() == []
