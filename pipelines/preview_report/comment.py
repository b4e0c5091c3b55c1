"""Comments that a preview failed, in place of the last one: `python3 -m pipelines.preview_report.comment STACK`.

Pulumi's action comments on success only, and would leave the outdated comment. This uses the standard library only,
since it may be the installation that failed. It needs the variables that GitHub sets in a job, `GITHUB_TOKEN` and
`PULL_REQUEST`.
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
    """The heading of the action's comment on a stack, by which the action finds the comment to edit.

    https://github.com/pulumi/actions/blob/main/src/libs/pr.ts
    """
    return f"#### :tropical_drink: `preview` on {PROJECT}/{stack}"


def body(stack: str, run: str) -> str:
    """The text of the comment. The action replaces it after the next preview that succeeds."""
    return (
        f"{heading(stack)}\n\n> [!WARNING]\n> **The preview failed.** It is not known what `up` would do: "
        f"[the run]({run}) says why.\n\n<details>\n<summary>Pulumi report</summary>\nThere is none.\n</details>\n"
    )


def post(stack: str, variables: Mapping[str, str]) -> None:
    """Edits the stack's comment, or creates it.

    Raises:
        OSError: GitHub did not accept it.
    """
    repository = f"{variables['GITHUB_API_URL']}/repos/{variables['GITHUB_REPOSITORY']}"
    token = variables["GITHUB_TOKEN"]
    run = f"{variables['GITHUB_SERVER_URL']}/{variables['GITHUB_REPOSITORY']}/actions/runs/{variables['GITHUB_RUN_ID']}"
    comments = f"{repository}/issues/{variables['PULL_REQUEST']}/comments"
    content = {"body": body(stack, run)}
    for comment in _all(comments, token):
        if comment["body"].startswith(f"{heading(stack)}\n"):
            _request("PATCH", f"{repository}/issues/comments/{comment['id']}", token, content)
            return
    _request("POST", comments, token, content)


def _all(comments: str, token: str) -> Iterator[dict[str, Any]]:
    """https://docs.github.com/en/rest/issues/comments ."""
    number = 1
    while page := _request("GET", f"{comments}?per_page={PAGE}&page={number}", token):
        yield from page
        number += 1


def _request(method: str, url: str, token: str, content: dict[str, str] | None = None) -> Any:
    request = urllib.request.Request(  # noqa: S310 - GitHub's own address, by its runner
        url,
        method=method,
        data=json.dumps(content).encode() if content else None,
        headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - likewise
        return json.load(answer)


if __name__ == "__main__":
    post(sys.argv[1], os.environ)
