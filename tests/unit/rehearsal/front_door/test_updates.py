"""The times at which the account's state is read again."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from rehearsal.front_door import running
from rehearsal.front_door.running import _next_size  # pyright: ignore[reportPrivateUsage]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_POLL", 0.01)
    monkeypatch.setattr(running, "_QUIET", 0.5)


class Wait:
    """Waits for a change, in a thread."""

    def __init__(self, journal: Path, size: int) -> None:
        self.found: int | None = None
        self._thread = threading.Thread(target=self._run, args=(journal, size), daemon=True)
        self._thread.start()

    def _run(self, journal: Path, size: int) -> None:
        self.found = _next_size(journal, size)

    def over(self, seconds: float = 10) -> bool:
        """Whether it ended within that time."""
        self._thread.join(seconds)
        return not self._thread.is_alive()


def test_at_first_it_is_read_at_once(tmp_path: Path) -> None:
    assert _next_size(tmp_path / "nowhere", -1) == 0


def test_it_is_read_after_a_change_of_the_account(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_text("a request\n")
    waiting = Wait(journal, journal.stat().st_size)
    assert not waiting.over(0.3)
    with journal.open("a") as file:
        file.write("another request\n")
    assert waiting.over()
    assert waiting.found == journal.stat().st_size


def test_changes_that_follow_each_other_are_gathered(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_text("")
    waiting = Wait(journal, 0)
    for _ in range(20):
        with journal.open("a") as file:
            file.write("a request\n")
        time.sleep(0.01)
    assert waiting.over()
    assert waiting.found == 20 * len("a request\n")
