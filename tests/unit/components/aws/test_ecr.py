"""ECR repositories: immutable tags, scans, encryption; old images expire, released ones never."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from moto.ecr.policy_validation import EcrLifecyclePolicyValidator

from components.aws.ecr import KEPT_COMMITS, UNTAGGED_DAYS, lifecycle_policy
from tests.unit.components.workload.test_blue_green import SERVICES
from tests.unit.graph import Graph


@dataclass(frozen=True)
class Image:
    """An image in a repository: its tags, and the days since it was pushed."""

    tags: frozenset[str]
    days: int


TAGS = st.frozensets(st.sampled_from(["commit-1a2b3c4", "release-blue", "release-7", "latest"]), max_size=3)
IMAGES = st.lists(st.builds(Image, TAGS, st.integers(0, 400)), max_size=3 * KEPT_COMMITS)


def matches(selection: dict[str, Any], image: Image) -> bool:
    """Whether a rule's tag selection matches an image."""
    if selection["tagStatus"] == "untagged":
        return not image.tags
    return all(any(tag.startswith(prefix) for tag in image.tags) for prefix in selection["tagPrefixList"])


def expired(policy: str, images: Sequence[Image]) -> list[Image]:
    """Images that ECR would expire; only the first rule that matches an image applies to it.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html#lp_evaluation_rules
    """
    expired_images: list[Image] = []
    matched: set[int] = set()
    for rule in sorted(json.loads(policy)["rules"], key=lambda one: one["rulePriority"]):
        selection = rule["selection"]
        fitting = sorted(
            (index for index, image in enumerate(images) if matches(selection, image)),
            key=lambda index: images[index].days,
        )
        if selection["countType"] == "imageCountMoreThan":
            old = fitting[selection["countNumber"] :]
        else:
            old = [index for index in fitting if images[index].days > selection["countNumber"]]
        expired_images += [images[index] for index in old if index not in matched]
        matched |= set(fitting)
    return expired_images


def test_the_lifecycle_policy_is_valid() -> None:
    EcrLifecyclePolicyValidator(lifecycle_policy()).validate()


@given(IMAGES)
def test_an_image_that_was_released_never_expires(images: list[Image]) -> None:
    for image in expired(lifecycle_policy(), images):
        assert not any(tag.startswith("release-") for tag in image.tags)


def test_released_images_do_not_expire_at_the_quota_of_ecr() -> None:
    assert not expired(lifecycle_policy(), 100_000 * [Image(frozenset({"release-7", "commit-1a2b3c4"}), 400)])


def test_old_commits_and_untagged_images_expire() -> None:
    commits = [Image(frozenset({f"commit-{day}"}), day) for day in range(KEPT_COMMITS + 3)]
    assert expired(lifecycle_policy(), commits) == commits[KEPT_COMMITS:]
    untagged = [Image(frozenset(), day) for day in range(UNTAGGED_DAYS + 3)]
    assert expired(lifecycle_policy(), untagged) == untagged[UNTAGGED_DAYS + 1 :]


def test_every_service_has_a_repository_that_is_immutable_scanned_and_encrypted(graph: Graph) -> None:
    repositories = graph.of_type("aws:ecr/repository:Repository")
    assert {one.inputs["name"].partition("/")[2] for one in repositories} == set(SERVICES)
    for one in repositories:
        assert one.inputs["imageTagMutability"] == "IMMUTABLE"
        assert one.inputs["imageScanningConfiguration"] == {"scanOnPush": True}
        (encryption,) = one.inputs["encryptionConfigurations"]
        assert encryption["encryptionType"] == "KMS"
        assert graph.named("aws:kms/key:Key", f"{one.inputs['name'].partition('/')[0]}-images").urn in one.dependencies
        assert one.inputs["forceDelete"] is not one.protect


def test_every_repository_has_the_lifecycle_policy(known: Graph) -> None:
    policies = known.of_type("aws:ecr/lifecyclePolicy:LifecyclePolicy")
    names = {one.inputs["name"] for one in known.of_type("aws:ecr/repository:Repository")}
    assert {one.inputs["repository"] for one in policies} == names
    for one in policies:
        assert one.inputs["policy"] == lifecycle_policy()
