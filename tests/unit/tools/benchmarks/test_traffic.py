"""Figures of a switch from clients' answers."""

from __future__ import annotations

from tests.traffic.load import Answer
from tests.traffic.moves import Move, astray
from tools.benchmarks.traffic import last_new, last_requests

BLUE, GREEN = "api-v2-blue-6b6b7cb795-bqqpg", "api-v2-green-6b6b7cb795-d82j8"


def answer(connected: float, by: str, answered: float | None = None) -> Answer:
    return Answer(connected, connected, connected + 0.01 if answered is None else answered, by)


def test_the_last_new_connection_to_the_old_slot_counts_from_its_own_patch() -> None:
    answers = [answer(9.9, BLUE), answer(10.2, BLUE), answer(10.5, GREEN), answer(20.1, GREEN), answer(20.3, BLUE)]
    assert [round(one, 3) for one in last_new(answers, [(10.0, "green"), (20.0, "blue")])] == [0.2, 0.1]


def test_by_weight_requests_over_connections_count_that_were_open_before() -> None:
    def asked(sent: float, by: str) -> Answer:
        return Answer(1.0, sent, sent + 0.1, by)

    answers = [asked(9.9, BLUE), asked(10.2, BLUE), asked(10.5, GREEN), asked(20.4, GREEN), asked(20.6, BLUE)]
    assert [round(one, 3) for one in last_requests(answers, [(10.0, "green"), (20.0, "blue")])] == [0.2, 0.4]
    assert last_requests([asked(9.9, BLUE), asked(10.1, GREEN)], [(10.0, "green")]) == [0.0]


def test_no_new_connection_to_the_old_slot_is_no_time() -> None:
    assert last_new([answer(9.0, BLUE), answer(11.0, GREEN)], [(10.0, "green")]) == [0.0]


def test_a_new_connection_that_went_astray_is_told_with_its_time_after_the_switch() -> None:
    moves = [Move(9.0, 9.5, 10.0, "green"), Move(19.0, 19.5, 20.0, "blue")]
    late = answer(10.5, BLUE)
    fine = [answer(9.7, BLUE), answer(10.5, GREEN), answer(18.9, GREEN, 19.2), answer(19.3, BLUE), answer(21.0, BLUE)]
    assert astray(fine, moves) == []
    assert astray([*fine, late], moves) == [(0.5, late)]
    assert astray([answer(30.0, GREEN)], moves)
