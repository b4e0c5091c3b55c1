"""ECR: tags that keep the images which still have a use from the registry's lifecycle rules.

A rule of the repository claims what carries a `release-…` tag, and expires none of it (`components/aws/ecr.py`). Tags
are immutable, so each is one image's for good: `release-ENVIRONMENT-DIGITS`, with the digest's first twelve.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, cast

from contract.blue_green import RELEASE_TAG_PREFIX as TAG_PREFIX
from release.errors import ReleaseError
from release.state import ServiceState

_REPOSITORY = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P<name>.+)")


def in_use(seen: ServiceState) -> frozenset[str]:
    """The digests that are live, warm, verified, or in the history."""
    revisions = {seen.blue.revision, seen.green.revision}
    for entry in seen.history:
        revisions |= {entry.revision, entry.previous}
    return frozenset(one.digest for one in revisions if one) | (seen.verified or frozenset())


def tag(environment: str, digest: str) -> str:
    """The tag that keeps an image for an environment."""
    return f"{TAG_PREFIX}{environment}-{digest.removeprefix('sha256:')[:12]}"


class Images:
    """The images of one service's ECR repository.

    Args:
        repository: URL of the repository.
        client: A boto3 client of ECR; one with the surrounding credentials by default.

    Raises:
        ReleaseError: It is no ECR repository.
    """

    def __init__(self, repository: str, client: Any = None) -> None:
        found = _REPOSITORY.fullmatch(repository)
        if found is None:
            raise ReleaseError(
                f"{repository} is no repository of ECR, whose tags keep images that have a use",
                remedy="say --no-image-tags where another registry, or nothing, expires images",
            )
        self._where: dict[str, Any] = {"registryId": found["account"], "repositoryName": found["name"]}
        self._client: Any = client or _client(found["region"])

    def keep(self, environment: str, digest: str) -> None:
        """Tags an image for an environment; one that has the tag stays as it is.

        Raises:
            ReleaseError: The registry has no such image, or does not answer.
        """
        try:
            found = self._client.batch_get_image(**self._where, imageIds=[{"imageDigest": digest}])
            if not found["images"]:
                raise ReleaseError(
                    f"{self._where['repositoryName']} has no image {digest}",
                    remedy="push it, and name the digest that the push printed",
                )
            image = found["images"][0]
            self._client.put_image(
                **self._where,
                imageManifest=image["imageManifest"],
                imageManifestMediaType=image.get("imageManifestMediaType"),
                imageDigest=digest,
                imageTag=tag(environment, digest),
            )
        except _errors() as error:
            if _code(error) not in ("ImageAlreadyExistsException", "ImageTagAlreadyExistsException"):
                raise _unreachable(error) from None

    def drop(self, environment: str, used: Collection[str]) -> list[str]:
        """Takes the tags of an environment off all images but those in use.

        A tag that is an image's last one stays: without it ECR would delete the image at once.
        https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html

        Returns:
            The tags that are gone.
        """
        kept = {tag(environment, digest) for digest in used}
        try:
            pages = self._client.get_paginator("describe_images").paginate(
                **self._where, filter={"tagStatus": "TAGGED"}
            )
            dropped = [
                one
                for page in pages
                for image in page["imageDetails"]
                for one in image["imageTags"]
                if one.startswith(f"{TAG_PREFIX}{environment}-") and one not in kept and len(image["imageTags"]) > 1
            ]
            for start in range(0, len(dropped), 100):  # ECR takes no more at once
                ids = [{"imageTag": one} for one in dropped[start : start + 100]]
                self._client.batch_delete_image(**self._where, imageIds=ids)
        except _errors() as error:
            raise _unreachable(error) from None
        return dropped


def _client(region: str) -> Any:
    # Slow to import, and not needed by every command.
    import boto3  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

    return cast("Any", boto3).client("ecr", region_name=region)


def _errors() -> tuple[type[Exception], ...]:
    from botocore.exceptions import (  # noqa: PLC0415 - likewise  # pyright: ignore[reportMissingTypeStubs]
        BotoCoreError,
        ClientError,
    )

    return (BotoCoreError, ClientError)


def _code(error: Exception) -> str:
    response: Any = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def _unreachable(error: Exception) -> ReleaseError:
    return ReleaseError(
        f"ECR: {error}",
        remedy="a release tags its image so that no lifecycle rule expires it: give this identity the right to "
        "(ecr:BatchGetImage, PutImage, DescribeImages, BatchDeleteImage), or say --no-image-tags where nothing expires",
    )
