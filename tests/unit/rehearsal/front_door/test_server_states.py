"""Health states that a new HAProxy worker inherits; tests/traffic has their effect."""

from __future__ import annotations

from pathlib import Path

from rehearsal.front_door import haproxy
from tests.unit.rehearsal.front_door.account import DOMAIN, state

HEAD = "1\n# be_id be_name srv_id srv_name srv_addr …\n"
UP = "3 dev-frontend 1 i-dev1:32001 10.10.0.1 2 0 1 1 5 15 3 4 6 0 0 0 - 32001 - 0 0 - - 0"
GONE = "3 dev-frontend 2 i-dev9:32001 10.10.0.9 2 0 1 1 5 15 3 4 6 0 0 0 - 32001 - 0 0 - - 0"


def lines(said: str) -> dict[str, list[str]]:
    text = haproxy.configuration(state(), domain=DOMAIN, staff="A", outside="B")
    version, *found = haproxy.states(text, said).splitlines()
    assert version == "1"
    return {f"{line.split()[1]} {line.split()[3]}": line.split() for line in found}


def test_a_target_is_what_it_was_and_one_that_is_new_needs_a_good_check() -> None:
    found = lines(f"{HEAD}{UP}\n{GONE}\n\n")
    assert set(found) == {
        "dev-frontend i-dev1:32001",
        "dev-gateway i-dev1:32002",
        *(
            f"prod-{name} i-prod{number}:{port}"
            for name, port in (("frontend", 31001), ("gateway", 31002))
            for number in (1, 2)
        ),
    }
    assert found.pop("dev-frontend i-dev1:32001") == UP.split()
    for one in found.values():
        state, good = one[5], one[12]
        assert (state, good) == ("0", "1"), "down, and one good answer short of the two that it takes"


def test_without_a_worker_before_it_every_target_needs_a_good_check() -> None:
    assert {one[5] for one in lines("").values()} == {"0"}


def test_nothing_is_known_of_what_does_not_run(tmp_path: Path) -> None:
    assert haproxy.ask(tmp_path, "show stat") == ""
    assert haproxy.unhealthy(tmp_path) == []
    assert haproxy.unhealthy(tmp_path / "nowhere") == []
