"""ECR for builds: the image of a commit, the login for a push, and the findings of an image scan.

`python -m pipelines.ecr find|login|scan`: results on standard output, messages on standard error.
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
"""Statuses of a finished scan on push, and of a continuous one with findings.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanStatus.html
"""

PENDING = ("IN_PROGRESS", "PENDING")
PAUSE_SECONDS = 5

_REPOSITORY = re.compile(
    r"(?P<host>(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?)/(?P<name>[^@:]+)"
)


class PipelineError(Exception):
    """An error that ends a stage, with a message for the build's log."""


class Repository:
    """One ECR repository.

    Args:
        url: `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME`.
        client: A boto3 client of ECR; by default one with the ambient credentials.

    Raises:
        PipelineError: `url` is no ECR repository.
    """

    def __init__(self, url: str, client: Any = None) -> None:
        match = _REPOSITORY.fullmatch(url)
        if match is None:
            raise PipelineError(f"{url} is no ECR repository: set REGISTRY and SERVICE as the jobs do")
        self.url = url
        self.host = match["host"]
        self._repository: dict[str, Any] = {"registryId": match["account"], "repositoryName": match["name"]}
        self._client: Any = client or cast("Any", boto3).client("ecr", region_name=match["region"])

    def find(self, tag: str) -> str | None:
        """The image with a tag, as `URL@sha256:…`; None if there is none."""
        try:
            images = self._client.describe_images(**self._repository, imageIds=[{"imageTag": tag}])
        except ClientError as error:
            if _code(error) == "ImageNotFoundException":
                return None
            raise
        return f"{self.url}@{images['imageDetails'][0]['imageDigest']}"

    def login(self) -> dict[str, Any]:
        """The content of a docker `config.json` whose credentials are valid for twelve hours.

        https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
        """
        token = self._client.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        return {"auths": {self.host: {"auth": token}}}

    def scan(self, digest: str, *, patience: float) -> Mapping[str, int]:
        """Waits for the scan that the push started, and returns the number of findings by severity.

        Args:
            digest: Digest of the image, `sha256:…`.
            patience: Seconds to wait for the scan.

        Raises:
            PipelineError: The image cannot be scanned, or was not scanned in time.
        """
        deadline = time.monotonic() + patience
        while True:
            status, description, counts = self._scan(digest)
            if status in SCANNED:
                return counts
            if status not in PENDING:
                raise PipelineError(
                    f"ECR cannot scan {digest}: {status} {description}; images that are not scanned are not released"
                )
            if time.monotonic() >= deadline:
                raise PipelineError(f"ECR has not scanned {digest} in {patience:.0f} s: run the build again")
            time.sleep(min(PAUSE_SECONDS, patience))

    def _scan(self, digest: str) -> tuple[str, str, Mapping[str, int]]:
        try:
            response = self._client.describe_image_scan_findings(**self._repository, imageId={"imageDigest": digest})
        except ClientError as error:
            if _code(error) == "ScanNotFoundException":  # the image was pushed a moment ago
                return "PENDING", "", {}
            raise
        status = response["imageScanStatus"]
        counts = response.get("imageScanFindings", {}).get("findingSeverityCounts", {})
        return status["status"], status.get("description", ""), counts


def _code(error: Exception) -> str:
    response: Any = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; the exit code is 1 if an image has critical findings or ECR does not answer."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.ecr", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    find = commands.add_parser("find", help="print the image with a tag, or nothing")
    find.add_argument("repository")
    find.add_argument("tag")
    login = commands.add_parser("login", help="write config.json into $DOCKER_CONFIG")
    login.add_argument("repository")
    scan = commands.add_parser("scan", help="fail on a critical finding")
    scan.add_argument("image", help="REPOSITORY@sha256:…")
    scan.add_argument("--patience", type=float, default=600, help="seconds to wait for the scan")
    options = parser.parse_args(arguments)
    try:
        return _scan(options.image, options.patience) if options.command == "scan" else _find_or_login(options)
    except (PipelineError, BotoCoreError, ClientError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


def _find_or_login(options: argparse.Namespace) -> int:
    repository = Repository(options.repository)
    if options.command == "find":
        sys.stdout.write(repository.find(options.tag) or "")
        return 0
    path = Path(os.environ["DOCKER_CONFIG"]) / "config.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(repository.login()), encoding="utf-8")
    return 0


def _scan(image: str, patience: float) -> int:
    url, _, digest = image.partition("@")
    counts = Repository(url).scan(digest, patience=patience)
    findings = ", ".join(f"{number} {severity.lower()}" for severity, number in sorted(counts.items())) or "nothing"
    sys.stderr.write(f"The scan of {image} found {findings}.\n")
    if counts.get(CRITICAL):
        sys.stderr.write(f"error: {image} has critical findings: it is not released. Fix them, and push a commit\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
