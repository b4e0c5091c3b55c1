"""When the state is read anew."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from rehearsal.front_door import following
from rehearsal.front_door.following import _next_size  # pyright: ignore[reportPrivateUsage]


def line(service: str) -> str:
    scope = f"Credential=A/20261126/ap-northeast-2/{service}/aws4_request"
    return json.dumps({"request": {"HTTP_AUTHORIZATION": scope}, "body": "=" * 80}) + "\n"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_LOOK", 0.01)
    monkeypatch.setattr(following, "_GATHER", 0.5)


class Wait:
    """Waits for a change, in a thread."""

    def __init__(self, journal: Path, seen: int) -> None:
        self.found: int | None = None
        self._thread = threading.Thread(target=self._run, args=(journal, seen), daemon=True)
        self._thread.start()

    def _run(self, journal: Path, seen: int) -> None:
        self.found = _next_size(journal, seen)

    def over(self, seconds: float = 10) -> bool:
        """Whether it ended within that time."""
        self._thread.join(seconds)
        return not self._thread.is_alive()


def test_at_first_it_is_read_at_once(tmp_path: Path) -> None:
    assert _next_size(tmp_path / "nowhere", -1) == 0


@pytest.mark.parametrize("service", ["elasticloadbalancing", "ec2"])
def test_it_is_read_after_a_change_of_its_services_and_of_no_other(tmp_path: Path, service: str) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_text(line("elasticloadbalancing"))
    waiting = Wait(journal, journal.stat().st_size)
    with journal.open("a") as file:
        file.write(line("iam"))
    assert not waiting.over(0.3)
    with journal.open("a") as file:
        file.write(line(service))
    assert waiting.over()
    assert waiting.found == journal.stat().st_size


def test_a_line_that_comes_by_halves_is_seen(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    whole = line("elasticloadbalancing")
    half = whole.index("balancing")
    journal.write_text(whole[:half])
    waiting = Wait(journal, 0)
    time.sleep(0.2)
    journal.write_text(whole)
    assert waiting.over()


def test_changes_that_follow_each_other_are_gathered(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_text("")
    waiting = Wait(journal, 0)
    for _ in range(20):
        with journal.open("a") as file:
            file.write(line("ec2"))
        time.sleep(0.01)
    assert waiting.over()
    assert waiting.found == 20 * len(line("ec2"))
