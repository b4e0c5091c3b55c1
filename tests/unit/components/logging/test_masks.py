"""Secrets are masked by shape and position, harmless lines are stored whole, and masks are fast."""

from __future__ import annotations

import json
import random
import re
import shutil
import string
import subprocess
import time
from pathlib import Path

import pytest

from components.logging.fluentd.masks import CARD_CHECK, MASKED, RESIDENT_CHECK, masks
from tests.unit.components.logging.fluentd_emulator import CHECKS, modified
from tools.program.graph import every

FOLDER = Path(__file__).parent / "cases"
SECRET = re.compile("⟦(.*?)⟧")
FILTERS = masks()


ORDINARY = (
    "2026-11-23T10:00:00.123Z INFO  [http-nio-8080-exec-4] c.e.order.OrderService : order 4711 of customer 12 was paid "
    "with 3 items in 12 ms, status 200, path /orders/4711"
)
needs_ruby = pytest.mark.skipif(shutil.which("ruby") is None, reason="needs ruby (Debian's package)")


def lines(name: str) -> list[str]:
    text = (FOLDER / name).read_text("utf-8")
    return [line.replace("⏎", "\n") for line in text.splitlines() if not line.startswith("# ")]


def completed(line: str) -> str:
    """The line with `{36}` inside of a secret replaced by as many letters and digits."""
    alphabet = (string.ascii_lowercase + string.digits) * 3
    return SECRET.sub(
        lambda secret: "⟦" + re.sub(r"\{(\d+)\}", lambda found: alphabet[: int(found[1])], secret[1]) + "⟧", line
    )


SECRETS = [completed(line) for line in lines("secrets.txt")]
HARMLESS = lines("harmless.txt")


def masked(line: str) -> str:
    record = {"message": line}
    for part in FILTERS:
        record = modified(part, record)
    return str(record["message"])


@pytest.mark.parametrize("line", SECRETS)
def test_a_secret_is_masked_and_the_rest_of_its_line_is_not(line: str) -> None:
    plain = masked(line.replace("⟦", "").replace("⟧", ""))
    for secret in every(SECRET.findall(line)):
        assert secret not in plain
    for kept in SECRET.split(line)[0::2]:
        # Closing quotes, brackets and the structure around a value may go with it.
        for word in re.findall(r"[\w=/.-]{3,}", kept):
            assert word in plain or word in {"value", "old", "new", "meta"} or "-----" in line, plain


@pytest.mark.parametrize("line", HARMLESS)
def test_a_harmless_line_is_stored_whole(line: str) -> None:
    assert masked(line) == line


@pytest.mark.parametrize("line", [line for line in SECRETS if line.startswith('{"')])
def test_a_json_object_is_one_after_its_masks(line: str) -> None:
    plain = line.replace("⟦", "").replace("⟧", "")
    try:
        keys = json.loads(plain).keys()
    except ValueError:
        return
    assert json.loads(masked(plain)).keys() == keys


def test_recall_and_precision(capsys: pytest.CaptureFixture[str]) -> None:
    plain = {line: masked(line.replace("⟦", "").replace("⟧", "")) for line in SECRETS}
    hidden = sum(not any(secret in plain[line] for secret in SECRET.findall(line)) for line in SECRETS)
    wrong = sum(masked(line) != line for line in HARMLESS)
    recall, precision = hidden / len(SECRETS), hidden / (hidden + wrong)
    with capsys.disabled():
        print(  # noqa: T201 - for people
            f"\nmasks: {len(SECRETS)} lines with a secret, {len(HARMLESS)} without; "
            f"recall {recall:.3f}, precision {precision:.3f}"
        )
    assert len(SECRETS) + len(HARMLESS) >= 300
    assert recall == precision == 1


def test_masks_are_fast(capsys: pytest.CaptureFixture[str]) -> None:
    """By Python's `re`, for which the patterns are not made; `docs/logs.md` has what Ruby takes."""
    corpus = [line.replace("⟦", "").replace("⟧", "") for line in (*HARMLESS, *SECRETS)]
    for line in corpus:
        masked(line)
    start = time.process_time()
    for line in corpus:
        masked(line)
    rate = len(corpus) / (time.process_time() - start)
    with capsys.disabled():
        print(f"\nmasks: {rate:,.0f} lines a second of CPU time")  # noqa: T201 - for people
    assert rate > 500


@pytest.mark.parametrize("check", [RESIDENT_CHECK, CARD_CHECK])
def test_one_number_of_ten_has_the_right_check_digit(check: str) -> None:
    numbers = random.Random(18)  # noqa: S311 - no secret
    digits = [[numbers.randrange(10) for _ in range(13)] for _ in range(2000)]
    for some in digits[:100]:
        assert sum(CHECKS[check]([*some[:-1], last]) for last in range(10)) == 1
    assert 150 < sum(map(CHECKS[check], digits)) < 250


@needs_ruby
@pytest.mark.parametrize("check", [RESIDENT_CHECK, CARD_CHECK])
def test_ruby_computes_the_same_check_digits(check: str) -> None:
    numbers = random.Random(18)  # noqa: S311 - no secret
    digits = [[numbers.randrange(10) for _ in range(13)] for _ in range(200)]
    program = f"p {digits}.map {{ |d| {check} }}"
    found = subprocess.run(["ruby", "-e", program], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == [CHECKS[check](some) for some in digits]


@needs_ruby
def test_ruby_masks_the_same_and_20_000_lines_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    """By native Ruby, in which the patterns run. CPU time of one core; a busy machine may take a few times longer."""
    corpus = [*HARMLESS, *(line.replace("⟦", "").replace("⟧", "") for line in SECRETS)]
    replace, *checked = FILTERS
    told = {
        "lines": corpus,
        "timed": [corpus, [ORDINARY]],
        "seconds": 1,
        "replacements": [
            (one.parameters["expression"][1:-1], unquoted(one.parameters["replace"])) for one in replace.sections
        ],
        "checked": [one.sections[0].parameters["message"][2:-1] for one in checked],
    }
    program = Path(__file__).parent / "masks.rb"
    command = ["ruby", "-Eutf-8:utf-8", program]
    run = subprocess.run(command, input=json.dumps(told), capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    assert found["masked"] == [masked(line) for line in corpus]
    of_corpus, of_ordinary = found["rates"]
    with capsys.disabled():
        print(  # noqa: T201 - for people
            f"\nmasks in Ruby: {of_corpus:,.0f} lines of the corpus a second of CPU time, "
            f"{of_ordinary:,.0f} ordinary ones of {len(ORDINARY)} characters"
        )
    assert min(of_corpus, of_ordinary) > 5_000


def unquoted(text: str) -> str:
    """A value of Fluentd's configuration without its quotes."""
    return text[1:-1] if text[:1] in {"'", '"'} else text


def test_the_mask_is_no_secret_itself() -> None:
    for line in (f"password={MASKED}", f'{{"password":"{MASKED}"}}', f"redis://:{MASKED}@redis"):
        assert masked(line) == line
