"""ECR tags that protect images in use from the repository's lifecycle policy.

The policy's first rule matches `release-…` tags, and expires none of their images (`components/aws/ecr.py`). Tags are
immutable, so each image has its own: `release-ENVIRONMENT-DIGITS`, with the first twelve digits of its digest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any

from contract.blue_green import RELEASE_TAG_PREFIX as TAG_PREFIX
from release import aws
from release.errors import ReleaseError
from release.state import ServiceState

_REPOSITORY = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P<name>.+)")


_REFERENCE = re.compile(r"(?P<repository>\S+?)(:(?P<tag>\w[\w.-]{0,127}))?@(?P<digest>sha256:[0-9a-f]{64})")
"""https://github.com/distribution/reference/blob/main/reference.go: a tag before a digest is allowed, and decides
nothing."""


def split(reference: str) -> tuple[str, str | None]:
    """An image by digest, and the tag that its reference may have beside: `REPOSITORY:TAG@sha256:…`."""
    match = _REFERENCE.fullmatch(reference)
    return (f"{match['repository']}@{match['digest']}", match["tag"]) if match else (reference, None)


def in_use(state: ServiceState) -> frozenset[str]:
    """The digests of images that are live, warm, verified, or in the history."""
    revisions = {state.blue.revision, state.green.revision}
    for entry in state.history:
        revisions |= {entry.revision, entry.previous}
    return frozenset(revision.digest for revision in revisions if revision) | (state.verified or frozenset())


def tag(environment: str, digest: str) -> str:
    """The tag that protects an image for an environment."""
    return f"{TAG_PREFIX}{environment}-{digest.removeprefix('sha256:')[:12]}"


class Images:
    """The images of one service's ECR repository.

    Args:
        repository: URL of the repository.
        client: A boto3 client of ECR; by default one with the ambient credentials.

    Raises:
        ReleaseError: `repository` is no ECR repository.
    """

    def __init__(self, repository: str, client: Any = None) -> None:
        match = _REPOSITORY.fullmatch(repository)
        if match is None:
            raise ReleaseError(
                f"{repository} is no ECR repository, so images in use cannot be tagged there",
                remedy="use --no-image-tags with another registry, or where nothing expires images",
            )
        self._repository: dict[str, Any] = {"registryId": match["account"], "repositoryName": match["name"]}
        self._client: Any = client or aws.client("ecr", match["region"])

    def keep(self, environment: str, digest: str) -> None:
        """Tags an image for an environment, unless it has the tag already.

        Raises:
            ReleaseError: The repository has no such image, or ECR does not answer.
        """
        try:
            images = self._client.batch_get_image(**self._repository, imageIds=[{"imageDigest": digest}])["images"]
            if not images:
                raise ReleaseError(
                    f"{self._repository['repositoryName']} has no image {digest}",
                    remedy="push it, and use the digest that the push printed",
                )
            image = images[0]
            self._client.put_image(
                **self._repository,
                imageManifest=image["imageManifest"],
                imageManifestMediaType=image.get("imageManifestMediaType"),
                imageDigest=digest,
                imageTag=tag(environment, digest),
            )
        except aws.errors() as error:
            if aws.code(error) not in ("ImageAlreadyExistsException", "ImageTagAlreadyExistsException"):
                raise _unreachable(error) from None

    def layers(self, tag: str) -> list[dict[str, Any]]:
        """The layers in the manifest of the image with a tag; none if there is no such image.

        Raises:
            ReleaseError: ECR does not answer.
        """
        try:
            found = self._client.batch_get_image(**self._repository, imageIds=[{"imageTag": tag}])["images"]
        except aws.errors() as error:
            raise ReleaseError(f"ECR: {error}", remedy="allow this identity ecr:BatchGetImage") from None
        return json.loads(found[0]["imageManifest"]).get("layers", []) if found else []

    def version(self, digest: str) -> str | None:
        """The first of an image's tags that a build gave it; None without one, or where it may not be asked for."""
        try:
            found = self._client.describe_images(**self._repository, imageIds=[{"imageDigest": digest}])
        except aws.errors():
            return None
        tags = sorted(tag for image in found["imageDetails"] for tag in image.get("imageTags", ()))
        return next((tag for tag in tags if not tag.startswith(TAG_PREFIX)), None)

    def drop(self, environment: str, in_use: Callable[[], Collection[str]]) -> list[str]:
        """Removes the tags of an environment from all images but those in use.

        Who verifies an image writes its record first and tags it then, and needs no lock: so the tags are listed
        before it is asked which images are in use.

        The last tag of an image stays: with it, ECR would delete the image at once.
        https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html

        Returns:
            The removed tags.
        """
        try:
            pages = self._client.get_paginator("describe_images").paginate(
                **self._repository, filter={"tagStatus": "TAGGED"}
            )
            listed: list[dict[str, Any]] = [image for page in pages for image in page["imageDetails"]]
            kept = {tag(environment, digest) for digest in in_use()}
            dropped = [
                name
                for image in listed
                for name in image["imageTags"]
                if name.startswith(f"{TAG_PREFIX}{environment}-") and name not in kept and len(image["imageTags"]) > 1
            ]
            for start in range(0, len(dropped), 100):  # ECR's limit of one request
                ids = [{"imageTag": name} for name in dropped[start : start + 100]]
                self._client.batch_delete_image(**self._repository, imageIds=ids)
        except aws.errors() as error:
            raise _unreachable(error) from None
        return dropped


def _unreachable(error: Exception) -> ReleaseError:
    return ReleaseError(
        f"ECR: {error}",
        remedy="a release tags its image so that no lifecycle rule expires it: allow this identity "
        "ecr:BatchGetImage, PutImage, DescribeImages and BatchDeleteImage, or use --no-image-tags if nothing expires",
    )
