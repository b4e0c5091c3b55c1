"""Messages in Korean are found by the words in them, whatever particle follows."""

from __future__ import annotations

import pytest

from components.logging.bootstrap.job.elasticsearch import ANALYSIS, PROPERTIES, template
from tests.unit.components.logging.bootstrap.kuery import analyzed, matches


@pytest.mark.parametrize(
    ("word", "message", "is_found"),
    [
        ("주문", "주문이 실패했습니다", True),
        ("주문", "주문을 저장하지 못했습니다", True),
        ("주문", "재주문 요청", True),
        ("결제", "ERROR 결제가 거절되었습니다", True),
        ("판례", "판례를 찾았습니다: 2019다12345", True),
        ("주문", "주 문", False),
        ("환불", "주문이 실패했습니다", False),
        ('"실패했습니다"', "주문이 실패했습니다", True),
        ('"저장 실패"', "저장 실패", True),
        ('"실패 저장"', "저장 실패", False),
        ("timeout", "주문 Timeout 발생", True),
        ("\uff11\uff12", "12 ms", True),
        ('"no database"', "ERROR no database", True),
        ("주문이", "문이 열렸습니다", True),
    ],
)
def test_a_word_is_found(word: str, message: str, *, is_found: bool) -> None:
    assert matches(f"message : {word}", {"message": message}) is is_found


def test_by_the_analyzer_that_elasticsearch_takes_by_itself_it_would_not_be() -> None:
    assert "주문" not in analyzed("standard", "주문이 실패했습니다")


def test_the_index_template_has_the_analyzer_of_its_fields() -> None:
    body = template("logs-hello-dev")["template"]
    assert body["settings"]["analysis"] == ANALYSIS
    assert {PROPERTIES["message"]["analyzer"]} == set(ANALYSIS["analyzer"])
