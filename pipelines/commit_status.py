"""Sets the status of a commit at its Git host: `python -m pipelines.commit_status REPOSITORY COMMIT STATE`.

The environment variable `STATUS_HOST` has the kind of the host, `github` without one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

STATES = {
    "pending": "is being built, tested and scanned",
    "success": "builds, passes its tests and the scan",
    "failure": "does not build, or does not pass its tests or the scan",
}
TIMEOUT_SECONDS = 10

GITHUB, GITLAB, BITBUCKET = "github", "gitlab", "bitbucket"
HOSTS = (GITHUB, GITLAB, BITBUCKET)


@dataclass(frozen=True)
class Status:
    """The request that sets a status, as a host documents it.

    Attributes:
        url: Where it is sent, by POST.
        headers: Its headers, with the token.
        body: What is sent, as JSON.
    """

    url: str
    headers: Mapping[str, str]
    body: Mapping[str, str]


def status(host: str, repository: str, commit: str, state: str, *, service: str, build: str, token: str) -> Status:
    """The status of a commit: one name a service, so that a commit of several has one each.

    - https://docs.github.com/en/rest/commits/statuses#create-a-commit-status, also of a GitHub Enterprise Server
    - https://docs.gitlab.com/api/commits/#set-commit-pipeline-status
    - https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/, Bitbucket Cloud

    Args:
        host: One of `HOSTS`.
        repository: Address of the repository, by HTTPS.
        commit: The commit's hash.
        state: One of `STATES`.
        service: The service.
        build: URL of the build.
        token: The token.

    Raises:
        ValueError: `repository` is none at such a host.
    """
    match = re.fullmatch(r"https://(?P<host>[^/]+)/(?P<path>[^/]+(/[^/]+)+)", repository.removesuffix(".git"))
    parts = match["path"].split("/") if match else []
    has_groups = host != GITLAB and len(parts) != len(("OWNER", "NAME"))
    if match is None or has_groups or (host == BITBUCKET and match["host"] != _BITBUCKET):
        raise ValueError(f"{repository} is no repository at {host}, https://HOST/OWNER/NAME")
    name, description = f"jenkins/{service}", STATES[state]
    bearer = {"Authorization": f"Bearer {token}"}
    match host:
        case "gitlab":
            return Status(
                f"https://{match['host']}/api/v4/projects/{quote(match['path'], safe='')}/statuses/{commit}",
                {"PRIVATE-TOKEN": token},
                {
                    "state": {"failure": "failed"}.get(state, state),
                    "name": name,
                    "description": description,
                    "target_url": build,
                },
            )
        case "bitbucket":
            states = {"pending": "INPROGRESS", "success": "SUCCESSFUL", "failure": "FAILED"}
            return Status(
                f"https://api.{_BITBUCKET}/2.0/repositories/{match['path']}/commit/{commit}/statuses/build",
                bearer,
                {"key": name, "name": name, "state": states[state], "description": description, "url": build},
            )
        case _:
            is_public = match["host"] == "github.com"
            api = "https://api.github.com" if is_public else f"https://{match['host']}/api/v3"
            return Status(
                f"{api}/repos/{match['path']}/statuses/{commit}",
                {"Accept": "application/vnd.github+json", **bearer},
                {"state": state, "context": name, "description": description, "target_url": build},
            )


_BITBUCKET = "bitbucket.org"


def main(arguments: list[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Sets it. A build does not fail because the host does not answer; the exit code is 1 if there is no such place."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.commit_status", description=__doc__)
    parser.add_argument("repository")
    parser.add_argument("commit")
    parser.add_argument("state", choices=STATES)
    options = parser.parse_args(arguments)
    try:
        told = status(
            environment.get("STATUS_HOST", GITHUB),
            options.repository,
            options.commit,
            options.state,
            service=environment["SERVICE"],
            build=environment["BUILD_URL"],
            token=environment["STATUS_TOKEN"],
        )
    except ValueError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    headers = {"Content-Type": "application/json", **told.headers}
    request = urllib.request.Request(told.url, data=json.dumps(told.body).encode(), headers=headers)  # noqa: S310 - https only
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310 - likewise
            return 0
    except OSError as error:
        sys.stderr.write(f"the commit's status is not set: {error}\n")
        return 0


if __name__ == "__main__":
    sys.exit(main())
