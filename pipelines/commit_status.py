"""Sets the status of a commit at GitHub: `python -m pipelines.commit_status REPOSITORY COMMIT STATE`."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import urllib.request
from collections.abc import Mapping

STATES = {
    "pending": "is being built, tested and scanned",
    "success": "builds, passes its tests and the scan",
    "failure": "does not build, or does not pass its tests or the scan",
}
TIMEOUT_SECONDS = 10


def url(repository: str, commit: str) -> str:
    """Where the status of a commit is created, at github.com or at a GitHub Enterprise Server.

    https://docs.github.com/en/rest/commits/statuses#create-a-commit-status

    Raises:
        ValueError: `repository` is no `https://HOST/OWNER/NAME`.
    """
    match = re.fullmatch(r"https://(?P<host>[^/]+)/(?P<name>[^/]+/[^/]+?)(\.git)?", repository)
    if match is None:
        raise ValueError(f"{repository} is no repository at GitHub, https://HOST/OWNER/NAME")
    api = "https://api.github.com" if match["host"] == "github.com" else f"https://{match['host']}/api/v3"
    return f"{api}/repos/{match['name']}/statuses/{commit}"


def body(state: str, service: str, build: str) -> dict[str, str]:
    """The status: one context a service, so that a commit of several has one each."""
    return {"state": state, "context": f"jenkins/{service}", "description": STATES[state], "target_url": build}


def main(arguments: list[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Sets it. A build does not fail because GitHub does not answer; the exit code is 1 if there is no such place."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.commit_status", description=__doc__)
    parser.add_argument("repository")
    parser.add_argument("commit")
    parser.add_argument("state", choices=STATES)
    options = parser.parse_args(arguments)
    try:
        target = url(options.repository, options.commit)
    except ValueError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    told = body(options.state, environment["SERVICE"], environment["BUILD_URL"])
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {environment['STATUS_TOKEN']}",
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(target, data=json.dumps(told).encode(), headers=headers)  # noqa: S310 - https only
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310 - likewise
            return 0
    except OSError as error:
        sys.stderr.write(f"the commit's status is not set: {error}\n")
        return 0


if __name__ == "__main__":
    sys.exit(main())
