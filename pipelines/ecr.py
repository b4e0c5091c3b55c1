"""ECR for builds: the image of a commit, the login for a push, and the findings of an image scan.

`python -m pipelines.ecr find|login`: results on standard output, messages on standard error.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from release import aws

SCANNED = ("COMPLETE", "ACTIVE")
"""Statuses of a finished scan on push, and of a continuous one with findings.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanStatus.html
"""

PENDING = ("IN_PROGRESS", "PENDING")
UNSUPPORTED = "UNSUPPORTED_IMAGE"
UNSUPPORTED_ERROR = "UnsupportedImageError"
"""Status, or beginning of the description of the status `FAILED`, of an image that cannot be scanned: it has no
operating system's packages, as those from `scratch`.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-troubleshooting.html
"""

THERE = ("ImageAlreadyExistsException", "ImageTagAlreadyExistsException", "LayerAlreadyExistsException")
"""Errors of a push of what is there.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CompleteLayerUpload.html
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html
"""

NOT_SCANNED_AGAIN = ("LimitExceededException", "ValidationException", "UnsupportedImageTypeException")
"""Errors where an image was scanned within a day, is scanned continuously, or cannot be scanned.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_StartImageScan.html
"""

PAUSE_SECONDS = 5

MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
ATTESTATION = "vnd.docker.reference.type"
"""Annotation of a manifest that is an attestation."""

_REPOSITORY = re.compile(
    r"(?P<host>(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?)/(?P<name>[^@:]+)"
)


class PipelineError(Exception):
    """An error that ends a stage, with a message for the build's log."""


class UnscannableError(PipelineError):
    """ECR cannot scan the image, and will not be able to later."""


@dataclass(frozen=True)
class Finding:
    """A vulnerability that ECR found in an image.

    Attributes:
        name: Its name, such as `CVE-2026-12345`.
        severity: `CRITICAL`, `HIGH`, …
        package: The packages that have it; may be empty.
        fixable: Whether a fix is available; None if ECR does not say, as basic scanning does not.
    """

    name: str
    severity: str
    package: str = ""
    fixable: bool | None = None


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
        self._client: Any = client or aws.client("ecr", match["region"])

    def find(self, tag: str) -> str | None:
        """The image with a tag, as `URL@sha256:…`; None if there is none."""
        try:
            images = self._client.describe_images(**self._repository, imageIds=[{"imageTag": tag}])
        except aws.errors() as error:
            if aws.code(error) == "ImageNotFoundException":
                return None
            raise
        return f"{self.url}@{images['imageDetails'][0]['imageDigest']}"

    def push(self, tag: str, manifest: Mapping[str, Any], *, blobs: Sequence[bytes]) -> None:
        """Pushes a small image.

        Args:
            tag: Its tag. If another build has pushed that meanwhile, its image stays.
            manifest: Its manifest.
            blobs: Its configuration and its layers, each of which is one part of an upload: 20 MiB at most.
        """
        for blob in blobs:
            digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
            begun = self._client.initiate_layer_upload(**self._repository)
            upload = {**self._repository, "uploadId": begun["uploadId"]}
            self._client.upload_layer_part(**upload, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob)
            _unless_there(self._client.complete_layer_upload, **upload, layerDigests=[digest])
        _unless_there(
            self._client.put_image,
            **self._repository,
            imageManifest=json.dumps(manifest),
            imageManifestMediaType=manifest["mediaType"],
            imageTag=tag,
        )

    def login(self) -> dict[str, Any]:
        """The content of a docker `config.json` whose credentials are valid for twelve hours.

        https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
        """
        token = self._client.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        return {"auths": {self.host: {"auth": token}}}

    def scan_again(self, digest: str) -> None:
        """Asks basic scanning, which scans at the push only, for a new scan: at most one a day and image.

        Enhanced scanning does so by itself whenever a vulnerability becomes known, and refuses.
        """
        try:
            self._client.start_image_scan(**self._repository, imageId={"imageDigest": digest})
        except aws.errors() as error:
            if aws.code(error) not in NOT_SCANNED_AGAIN:
                raise

    def images(self, digest: str) -> list[str]:
        """Digests of the images of an index, which ECR scans one by one; of an image its own digest.

        An index also has BuildKit's attestations, which are no images:
        https://github.com/moby/buildkit/blob/v0.34.2/docs/attestations/attestation-storage.md

        Raises:
            PipelineError: ECR has no such image.
        """
        found = self._client.batch_get_image(
            **self._repository, imageIds=[{"imageDigest": digest}], acceptedMediaTypes=[*INDEXES, *MANIFESTS]
        )["images"]
        if not found:
            raise PipelineError(f"{self.url} has no image {digest}")
        manifests: list[dict[str, Any]] = json.loads(found[0]["imageManifest"]).get("manifests", [])
        images = [one["digest"] for one in manifests if ATTESTATION not in one.get("annotations", {})]
        return images or [digest]

    def findings(self, digest: str, *, patience: float) -> list[Finding]:
        """Waits for the scan that the push started, and returns its findings. Inspector's suppressed ones are left out.

        Args:
            digest: Digest of the image, `sha256:…`.
            patience: Seconds to wait for the scan.

        Raises:
            PipelineError: The image was not scanned in time, or its scan failed.
            UnscannableError: It cannot be scanned.
        """
        deadline = time.monotonic() + patience
        while True:
            status, description, found = self._scan(digest)
            if status in SCANNED:
                return found
            if status == UNSUPPORTED or description.startswith(UNSUPPORTED_ERROR):
                raise UnscannableError(
                    f"ECR cannot scan {digest}: {status} {description}; list the service in delivery.scan.unscannable "
                    "to release its images all the same"
                )
            if status not in PENDING:
                raise PipelineError(
                    f"ECR cannot scan {digest}: {status} {description}; images that are not scanned are not released"
                )
            if time.monotonic() >= deadline:
                raise PipelineError(f"ECR has not scanned {digest} in {patience:.0f} s: run the build again")
            time.sleep(min(PAUSE_SECONDS, patience))

    def _scan(self, digest: str) -> tuple[str, str, list[Finding]]:
        """Status, its description, and the findings on all pages."""
        status, found, page = dict[str, str](), list[Finding](), dict[str, str]()
        while True:
            try:
                response = self._client.describe_image_scan_findings(
                    **self._repository, imageId={"imageDigest": digest}, **page
                )
            except aws.errors() as error:
                if aws.code(error) == "ScanNotFoundException":  # the image was pushed a moment ago
                    return "PENDING", "", []
                raise
            status = response["imageScanStatus"]
            found += _findings(response.get("imageScanFindings", {}))
            if not response.get("nextToken"):
                return status["status"], status.get("description", ""), found
            page = {"nextToken": response["nextToken"]}


def _findings(response: Mapping[str, Any]) -> list[Finding]:
    """The findings of one page, of basic or of enhanced scanning.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_EnhancedImageScanFinding.html
    """
    basic = [
        Finding(
            one["name"],
            one["severity"],
            next((pair["value"] for pair in one.get("attributes", []) if pair["key"] == "package_name"), ""),
        )
        for one in response.get("findings", [])
    ]
    enhanced = [
        Finding(
            one["packageVulnerabilityDetails"]["vulnerabilityId"],
            one["severity"],
            ", ".join(sorted({p["name"] for p in one["packageVulnerabilityDetails"].get("vulnerablePackages", [])})),
            # PARTIAL: some of its packages have one.
            {"YES": True, "PARTIAL": True, "NO": False}.get(one.get("fixAvailable", "")),
        )
        for one in response.get("enhancedFindings", [])
        if one.get("status", "ACTIVE") == "ACTIVE" and "packageVulnerabilityDetails" in one
    ]
    return [*basic, *enhanced]


def _unless_there(operation: Callable[..., object], **arguments: Any) -> None:
    """Calls an operation; it is no error if ECR has what it would make."""
    try:
        operation(**arguments)
    except aws.errors() as error:
        if aws.code(error) not in THERE:
            raise


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; the exit code is 1 if ECR does not answer."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.ecr", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    find = commands.add_parser("find", help="print the image with a tag, or nothing")
    find.add_argument("repository")
    find.add_argument("tag")
    login = commands.add_parser("login", help="write config.json into $DOCKER_CONFIG")
    login.add_argument("repository")
    options = parser.parse_args(arguments)
    try:
        return _find_or_login(options)
    except (PipelineError, *aws.errors()) as error:
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


if __name__ == "__main__":
    sys.exit(main())
