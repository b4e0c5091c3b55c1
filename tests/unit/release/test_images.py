"""Images in use are tagged, and no lifecycle rule expires tagged images."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest
from moto import mock_aws

from components.aws.ecr import RELEASE_TAG_PREFIX, lifecycle_policy
from release import aws
from release.errors import ReleaseError
from release.images import TAG_PREFIX, Images, in_use, split, tag
from tests.unit.kube.test_client import Stalling
from tests.unit.release.model import NOW, entry, revision, service_state, slot

REGION = "ap-northeast-2"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
REPOSITORY = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/hello/api"


@pytest.fixture
def ecr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    with mock_aws():
        client = cast("Any", boto3).client("ecr", region_name=REGION)
        client.create_repository(repositoryName="hello/api", imageTagMutability="IMMUTABLE")
        yield client


def push(ecr: Any, number: int) -> str:
    """A commit's image; its digest."""
    config = {"digest": f"sha256:{number:064x}", "size": 1}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [config]})
    pushed = ecr.put_image(repositoryName="hello/api", imageManifest=manifest, imageTag=f"commit-{number}")
    return str(pushed["image"]["imageId"]["imageDigest"])


def tags(ecr: Any) -> dict[str, list[str]]:
    pages = ecr.get_paginator("describe_images").paginate(repositoryName="hello/api")
    return {one["imageDigest"]: sorted(one.get("imageTags", [])) for page in pages for one in page["imageDetails"]}


def expired(policy: str, images: dict[str, tuple[list[str], datetime]], now: datetime) -> set[str]:
    """What ECR would expire: an image is judged by the first rule that matches it, and by no other.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
    """
    gone, judged = set[str](), set[str]()
    for rule in sorted(json.loads(policy)["rules"], key=lambda rule: rule["rulePriority"]):
        selection = rule["selection"]
        prefixes = selection.get("tagPrefixList", [])
        matching = [
            digest
            for digest, (names, _) in images.items()
            if digest not in judged
            and (
                not names
                if selection["tagStatus"] == "untagged"
                else any(n.startswith(p) for n in names for p in prefixes)
            )
        ]
        judged |= set(matching)
        matching.sort(key=lambda digest: images[digest][1], reverse=True)
        if selection["countType"] == "imageCountMoreThan":
            gone |= set(matching[selection["countNumber"] :])
        else:
            limit = now - timedelta(days=selection["countNumber"])
            gone |= {digest for digest in matching if images[digest][1] < limit}
    return gone


def test_of_200_images_none_that_has_a_use_expires(ecr: Any) -> None:
    digests = [push(ecr, number) for number in range(200)]
    used = [*digests[:12], *digests[100:103]]  # far older than the commits that are kept
    for digest in used:
        Images(REPOSITORY, ecr).keep("prod", digest)
    pushed = {digest: NOW + timedelta(minutes=number) for number, digest in enumerate(digests)}
    images = {digest: (names, pushed[digest]) for digest, names in tags(ecr).items()}
    assert len(images) == 200
    gone = expired(lifecycle_policy(), images, NOW + timedelta(days=365))
    assert len(gone) == 200 - 50 - len(used)
    assert not gone & set(used)


def test_keeping_an_image_twice_is_no_error_and_moves_no_tag(ecr: Any) -> None:
    digest = push(ecr, 1)
    for _ in range(2):
        Images(REPOSITORY, ecr).keep("dev", digest)
    assert tags(ecr) == {digest: ["commit-1", tag("dev", digest)]}


def test_an_image_that_the_registry_has_not_is_refused(ecr: Any) -> None:
    with pytest.raises(ReleaseError, match="has no image sha256:abab"):
        Images(REPOSITORY, ecr).keep("dev", f"sha256:{'ab' * 32}")


def test_a_registry_that_hangs_is_told(ecr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Stalling(b"")
    monkeypatch.setattr(aws, "READ_SECONDS", 0.2)
    monkeypatch.setattr(aws, "TRIES", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", server.address)
    try:
        with pytest.raises(ReleaseError, match="Read timeout"):
            Images(REPOSITORY).keep("prod", push(ecr, 1))
    finally:
        server.close()


def test_tags_of_no_use_are_dropped_of_their_own_environment_only_and_no_image_with_them(ecr: Any) -> None:
    used, unused, bare = push(ecr, 1), push(ecr, 2), push(ecr, 3)
    images = Images(REPOSITORY, ecr)
    for digest in (used, unused, bare):
        images.keep("dev", digest)
    images.keep("prod", unused)
    ecr.batch_delete_image(repositoryName="hello/api", imageIds=[{"imageTag": "commit-3"}])
    late = push(ecr, 4)

    def look() -> list[str]:
        """Meanwhile somebody verifies an image, which this look does not see yet."""
        images.keep("dev", late)
        return [used]

    assert images.drop("dev", look) == [tag("dev", unused)]
    assert tag("dev", late) in tags(ecr).pop(late)
    left = tags(ecr)
    del left[late]
    assert left == {
        used: ["commit-1", tag("dev", used)],
        unused: ["commit-2", tag("prod", unused)],
        bare: [tag("dev", bare)],
    }


def test_a_registry_that_is_no_ecr_is_told_with_the_way_around() -> None:
    with pytest.raises(ReleaseError, match="--no-image-tags"):
        Images("registry.example.com/hello/api")


def test_the_tags_are_those_that_the_registrys_rule_claims() -> None:
    assert TAG_PREFIX == RELEASE_TAG_PREFIX
    assert tag("dev", "sha256:0123456789abcdef").startswith(RELEASE_TAG_PREFIX)


def test_live_warm_verified_and_released_images_are_in_use() -> None:
    live, warm, past, before = (revision("good", number) for number in range(4))
    verified = frozenset({"sha256:" + 64 * "e"})
    found = service_state(
        slot("blue", live, 2),
        slot("green", warm, 2),
        history=(entry("green", past, previous=before),),
        verified=verified,
    )
    assert in_use(found) == {live.digest, warm.digest, past.digest, before.digest, *verified}


def test_the_version_of_an_image_is_the_tag_that_its_build_gave_it(ecr: Any) -> None:
    digest = push(ecr, 7)
    images = Images(REPOSITORY)
    images.keep("dev", digest)
    assert images.version(digest) == "commit-7"
    assert images.version(f"sha256:{'0' * 64}") is None


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        (f"{REPOSITORY}:v2@sha256:{'ab' * 32}", (f"{REPOSITORY}@sha256:{'ab' * 32}", "v2")),
        (f"localhost:5000/api@sha256:{'ab' * 32}", (f"localhost:5000/api@sha256:{'ab' * 32}", None)),
        (f"localhost:5000/api:v2@sha256:{'ab' * 32}", (f"localhost:5000/api@sha256:{'ab' * 32}", "v2")),
        ("api:latest", ("api:latest", None)),
    ],
)
def test_a_tag_beside_a_digest_is_for_people(reference: str, found: tuple[str, str | None]) -> None:
    assert split(reference) == found
