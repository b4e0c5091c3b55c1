"""Puts a failed preview in the place of the last good one: `python3 -m pipelines.preview_report.comment STACK`.

Pulumi's action comments on success only, so that without this an old comment would stand as if it still held. It needs
Python's own library only, since what failed may be the installation. It takes the variables that GitHub sets in a job,
and `GITHUB_TOKEN` and `PULL_REQUEST`.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

PROJECT = "hello-platform"
PAGE = 100
TIMEOUT_SECONDS = 30


def heading(stack: str) -> str:
    """What the action's own comment on a stack begins with, by which it finds the one to edit.

    https://github.com/pulumi/actions/blob/main/src/libs/pr.ts
    """
    return f"#### :tropical_drink: `preview` on {PROJECT}/{stack}"


def body(stack: str, run: str) -> str:
    """The comment; the action edits it when a preview is good again."""
    return (
        f"{heading(stack)}\n\n> [!WARNING]\n> **The preview failed.** Nothing is known of what `up` would do: "
        f"[the run]({run}) says why.\n\n<details>\n<summary>Pulumi report</summary>\nThere is none.\n</details>\n"
    )


def tell(stack: str, variables: Mapping[str, str]) -> None:
    """Edits the stack's comment, or makes one.

    Raises:
        OSError: GitHub did not take it.
    """
    repository = f"{variables['GITHUB_API_URL']}/repos/{variables['GITHUB_REPOSITORY']}"
    token = variables["GITHUB_TOKEN"]
    run = f"{variables['GITHUB_SERVER_URL']}/{variables['GITHUB_REPOSITORY']}/actions/runs/{variables['GITHUB_RUN_ID']}"
    comments = f"{repository}/issues/{variables['PULL_REQUEST']}/comments"
    told = {"body": body(stack, run)}
    for comment in _all(comments, token):
        if comment["body"].startswith(f"{heading(stack)}\n"):
            _ask("PATCH", f"{repository}/issues/comments/{comment['id']}", token, told)
            return
    _ask("POST", comments, token, told)


def _all(comments: str, token: str) -> Iterator[dict[str, Any]]:
    """https://docs.github.com/en/rest/issues/comments ."""
    number = 1
    while page := _ask("GET", f"{comments}?per_page={PAGE}&page={number}", token):
        yield from page
        number += 1


def _ask(method: str, url: str, token: str, content: dict[str, str] | None = None) -> Any:
    request = urllib.request.Request(  # noqa: S310 - GitHub's own address, by its runner
        url,
        method=method,
        data=json.dumps(content).encode() if content else None,
        headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - likewise
        return json.load(answer)


if __name__ == "__main__":
    tell(sys.argv[1], os.environ)
