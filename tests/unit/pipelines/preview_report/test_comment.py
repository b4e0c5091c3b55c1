"""The comment of a failed preview replaces that of the last good one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from pipelines.preview_report.comment import PAGE, PROJECT, heading
from tests.http_server import Answer, Request, answering
from tests.unit.program import CHECKOUT

COMMENTS = "/repos/hello/platform/issues/7/comments"
GOOD = f"{heading('dev')}\n\n<details>\n<summary>Pulumi report</summary>\n+ 3 to create\n</details>"


class GitHub:
    """GitHub's comments of one pull request, and what was done to them."""

    def __init__(self) -> None:
        self.comments = [{"id": number, "body": "Looks good"} for number in range(PAGE)]
        self.done: list[tuple[str, str, Any]] = []

    def answer(self, request: Request) -> Answer:
        """As its API does."""
        assert request.headers["Authorization"] == "Bearer token"
        path, _, query = request.path.partition("?")
        if request.method != "GET":
            self.done.append((request.method, path, json.loads(request.body)["body"]))
            return Answer(200, b"{}")
        assert path == COMMENTS
        page = int(query.rpartition("page=")[2]) - 1
        return Answer(200, json.dumps(self.comments[page * PAGE : (page + 1) * PAGE]).encode())


@pytest.fixture
def github() -> GitHub:
    return GitHub()


def fail(github: GitHub) -> None:
    """Runs the step as the workflow does."""
    with answering(github.answer) as url:
        variables = {
            "GITHUB_API_URL": url,
            "GITHUB_REPOSITORY": "hello/platform",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": "9",
            "GITHUB_TOKEN": "token",
            "PULL_REQUEST": "7",
        }
        command = [sys.executable, "-m", "pipelines.preview_report.comment", "dev"]
        subprocess.run(command, cwd=CHECKOUT, env={**os.environ, **variables}, check=True)


def test_the_comment_of_the_last_good_preview_says_that_this_one_failed(github: GitHub) -> None:
    github.comments += [{"id": 4711, "body": GOOD.replace("/dev", "/prod")}, {"id": 4712, "body": GOOD}]
    fail(github)
    ((method, path, body),) = github.done
    assert (method, path) == ("PATCH", "/repos/hello/platform/issues/comments/4712")
    assert "The preview failed" in body
    assert "https://github.com/hello/platform/actions/runs/9" in body
    assert "+ 3 to create" not in body


def test_where_there_was_none_one_is_made(github: GitHub) -> None:
    fail(github)
    ((method, path, _),) = github.done
    assert (method, path) == ("POST", COMMENTS)


def test_the_next_good_preview_finds_the_failed_ones_comment(github: GitHub) -> None:
    """Pulumi's action looks for its heading and its summary."""
    fail(github)
    assert github.done[0][2].startswith(f"#### :tropical_drink: `preview` on {PROJECT}/dev\n")
    assert "<summary>Pulumi report</summary>" in github.done[0][2]
    assert f"name: {PROJECT}\n" in (CHECKOUT / "Pulumi.yaml").read_text(encoding="utf-8")
