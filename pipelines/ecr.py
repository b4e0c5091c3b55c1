"""What a build asks ECR: the image of a commit, a login for the push, and what the scan of an image found.

`python -m pipelines.ecr find|login|scan`: results on standard output, words for a person on standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]

CRITICAL = "CRITICAL"
SCANNED = ("COMPLETE", "ACTIVE")
"""A scan on push is over, or a continuous one has findings.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanStatus.html
"""

PENDING = ("IN_PROGRESS", "PENDING")
PAUSE_SECONDS = 5

_REPOSITORY = re.compile(
    r"(?P<host>(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?)/(?P<name>[^@:]+)"
)


class PipelineError(Exception):
    """Why a stage ends here, in words for who reads the build's log."""


class Repository:
    """One repository of ECR.

    Args:
        url: `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME`.
        client: A boto3 client of ECR; one with the surrounding credentials by default.

    Raises:
        PipelineError: It is none.
    """

    def __init__(self, url: str, client: Any = None) -> None:
        found = _REPOSITORY.fullmatch(url)
        if found is None:
            raise PipelineError(f"{url} is no repository of ECR: set REGISTRY and SERVICE as the jobs do")
        self.url = url
        self.host = found["host"]
        self._where: dict[str, Any] = {"registryId": found["account"], "repositoryName": found["name"]}
        self._client: Any = client or cast("Any", boto3).client("ecr", region_name=found["region"])

    def find(self, tag: str) -> str | None:
        """The image that has a tag, as `URL@sha256:…`; None where none has."""
        try:
            found = self._client.describe_images(**self._where, imageIds=[{"imageTag": tag}])
        except ClientError as error:
            if _code(error) == "ImageNotFoundException":
                return None
            raise
        return f"{self.url}@{found['imageDetails'][0]['imageDigest']}"

    def login(self) -> dict[str, Any]:
        """The content of a docker `config.json` that may push for twelve hours.

        https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
        """
        token = self._client.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        return {"auths": {self.host: {"auth": token}}}

    def scan(self, digest: str, *, patience: float) -> Mapping[str, int]:
        """The number of findings of each severity, once the scan that the push began is over.

        Args:
            digest: Of the image, `sha256:…`.
            patience: Seconds to wait for it.

        Raises:
            PipelineError: The image could not be scanned, or not in time.
        """
        deadline = time.monotonic() + patience
        while True:
            status, why, counts = self._scan(digest)
            if status in SCANNED:
                return counts
            if status not in PENDING:
                raise PipelineError(f"ECR could not scan {digest}: {status} {why}; what is not scanned is not released")
            if time.monotonic() >= deadline:
                raise PipelineError(f"ECR has not scanned {digest} in {patience:.0f} s: run the build again")
            time.sleep(min(PAUSE_SECONDS, patience))

    def _scan(self, digest: str) -> tuple[str, str, Mapping[str, int]]:
        try:
            found = self._client.describe_image_scan_findings(**self._where, imageId={"imageDigest": digest})
        except ClientError as error:
            if _code(error) == "ScanNotFoundException":  # the push is a moment ago
                return "PENDING", "", {}
            raise
        status = found["imageScanStatus"]
        counts = found.get("imageScanFindings", {}).get("findingSeverityCounts", {})
        return status["status"], status.get("description", ""), counts


def _code(error: Exception) -> str:
    response: Any = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 1 where an image has a critical finding or ECR does not answer."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.ecr", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    find = commands.add_parser("find", help="print the image that has a tag, or nothing")
    find.add_argument("repository")
    find.add_argument("tag")
    login = commands.add_parser("login", help="write config.json into $DOCKER_CONFIG")
    login.add_argument("repository")
    scan = commands.add_parser("scan", help="fail on a critical finding")
    scan.add_argument("image", help="REPOSITORY@sha256:…")
    scan.add_argument("--patience", type=float, default=600, help="seconds to wait for the scan")
    given = parser.parse_args(arguments)
    try:
        return _scan(given.image, given.patience) if given.command == "scan" else _registry(given)
    except (PipelineError, BotoCoreError, ClientError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


def _registry(given: argparse.Namespace) -> int:
    repository = Repository(given.repository)
    if given.command == "find":
        sys.stdout.write(repository.find(given.tag) or "")
        return 0
    path = Path(os.environ["DOCKER_CONFIG"]) / "config.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(repository.login()), encoding="utf-8")
    return 0


def _scan(image: str, patience: float) -> int:
    url, _, digest = image.partition("@")
    counts = Repository(url).scan(digest, patience=patience)
    told = ", ".join(f"{number} {severity.lower()}" for severity, number in sorted(counts.items())) or "nothing"
    sys.stderr.write(f"The scan of {image} found {told}.\n")
    if counts.get(CRITICAL):
        sys.stderr.write(f"error: {image} has critical findings: it is not released. Mend them, and push a commit\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
