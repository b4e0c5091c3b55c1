"""ECR repositories: immutable tags, scans, encryption; old images expire, released ones never."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from moto.ecr.policy_validation import EcrLifecyclePolicyValidator

from components.aws.ecr import KEPT_COMMITS, KEPT_SIGNATURES, UNTAGGED_DAYS, lifecycle_policy
from config import ENVIRONMENTS
from rehearsal.aws.authorization import Access, allows
from tests.unit.components.delivery.jenkins import configuration as delivery_config
from tests.unit.components.workload.test_blue_green import SERVICES
from tests.unit.config.configurations import changed
from tests.unit.program import configured
from tools.program.graph import Graph


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
    patterns = selection.get("tagPatternList") or [f"{prefix}*" for prefix in selection["tagPrefixList"]]
    return all(any(fnmatchcase(tag, pattern) for tag in image.tags) for pattern in patterns)


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


def test_of_signatures_many_more_are_kept_than_of_images() -> None:
    policy = lifecycle_policy(signatures=True)
    EcrLifecyclePolicyValidator(policy).validate()
    signatures = [Image(frozenset({f"sha256-{day:064x}.sig"}), day) for day in range(KEPT_SIGNATURES + 3)]
    released = [Image(frozenset({"release-7"}), 400)]
    assert expired(policy, [*signatures, *released]) == signatures[KEPT_SIGNATURES:]
    assert not expired(lifecycle_policy(), signatures)


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


LOGIN = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:ecr-pullthroughcache/hub-a1b2c3"
CACHE = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/hello-dev-hub"


def images(value: Any) -> Iterator[str]:
    """Every container's image in an object's inputs."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if isinstance(fields.get("image"), str):
            yield fields["image"]
        for item in fields.values():
            yield from images(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from images(item)


def test_with_a_login_every_image_of_docker_hub_comes_through_ecr() -> None:
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html ."""
    settings = delivery_config()
    cluster = json.loads(settings["hello-platform:cluster"])
    with_login = {**settings, "hello-platform:cluster": json.dumps({**cluster, "dockerHubSecretArn": LOGIN})}
    before, after = configured(settings), configured(with_login)
    (rule,) = after.of_type("aws:ecr/pullThroughCacheRule:PullThroughCacheRule")
    assert (rule.inputs["upstreamRegistryUrl"], rule.inputs["credentialArn"]) == ("registry-1.docker.io", LOGIN)
    of_hub = {image for one in before.objects() for image in images(one.inputs) if image.startswith("docker.io/")}
    assert {image.partition(":")[0] for image in of_hub} == {
        "docker.io/fluent/fluentd-kubernetes-daemonset",
        "docker.io/moby/buildkit",
    }
    now = {image for one in after.objects() for image in images(one.inputs)}
    assert {image.replace("docker.io", CACHE) for image in of_hub} <= now
    assert not [image for image in now if image.startswith("docker.io/")]
    controller = after.release("jenkins").inputs["values"]["controller"]
    assert controller["image"]["registry"] == controller["sidecars"]["configAutoReload"]["image"]["registry"] == CACHE


def test_every_cached_image_has_a_repository_that_goes_with_the_stack() -> None:
    """Whatever ECR makes by itself stays after a destroy."""
    settings = delivery_config()
    cluster = json.loads(settings["hello-platform:cluster"])
    graph = configured({**settings, "hello-platform:cluster": json.dumps({**cluster, "dockerHubSecretArn": LOGIN})})
    repositories = {one.inputs["name"]: one for one in graph.of_type("aws:ecr/repository:Repository")}
    cached = {name for name in repositories if name.startswith("hello-dev-hub/")}
    pulled = {image for one in graph.objects() for image in images(one.inputs) if image.startswith(CACHE)}
    controller = graph.release("jenkins").inputs["values"]["controller"]
    assert controller["image"]["registry"] == CACHE
    named = {image.removeprefix(f"{CACHE}/").rpartition(":")[0] for image in pulled}
    assert cached == {f"hello-dev-hub/{name}" for name in (*named, "jenkins/jenkins", "kiwigrid/k8s-sidecar")}
    for name in cached:
        assert repositories[name].inputs["forceDelete"] is True
        assert not repositories[name].protect


def test_nodes_may_fill_the_cache_but_make_no_repository() -> None:
    """ECR would make one anew that a destroy has deleted before the nodes.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html
    """
    graph = configured(changed({"cluster.dockerHubSecretArn": LOGIN}))
    attached = graph.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    pulling = {one.inputs["role"] for one in attached if "ContainerRegistryPullOnly" in one.inputs["policyArn"]}
    assert pulling == {f"hello-dev-{environment}" for environment in ENVIRONMENTS}
    made = Access("ecr:CreateRepository", "arn:aws:ecr:ap-northeast-2:123456789012:repository/hello-dev-hub/fluent/x")
    policies = {one.name: json.loads(one.inputs["policy"]) for one in graph.of_type("aws:iam/rolePolicy:RolePolicy")}
    assert not [name for name, policy in policies.items() if allows([policy], made)]


def test_pods_pull_through_the_cache_once_it_has_the_repositories() -> None:
    graph = configured(changed({"cluster.dockerHubSecretArn": LOGIN}))
    repositories = graph.of_type("aws:ecr/repository:Repository")
    cached = {one.urn for one in repositories if one.inputs["name"].startswith("hello-dev-hub/")}
    pulling = [one for one in graph.objects() if any(image.startswith(CACHE) for image in images(one.inputs))]
    assert cached
    assert pulling
    for one in pulling:
        assert cached <= one.dependencies


def test_builds_have_docker_hubs_images_through_the_cache_and_may_fill_it() -> None:
    settings = delivery_config()
    cluster = json.loads(settings["hello-platform:cluster"])
    graph = configured({**settings, "hello-platform:cluster": json.dumps({**cluster, "dockerHubSecretArn": LOGIN})})
    (policy,) = (one for one in graph.of_type("aws:iam/rolePolicy:RolePolicy") if one.name == "hello-dev-build")
    arn = "arn:aws:ecr:ap-northeast-2:123456789012:repository/hello-dev-hub/library/python"
    for action in ("ecr:BatchGetImage", "ecr:BatchImportUpstreamImage", "ecr:CreateRepository"):
        assert allows([json.loads(policy.inputs["policy"])], Access(action, arn))
    texts = [
        next(one for one in of.of_kind("ConfigMap") if one.metadata["name"] == "buildkitd").inputs["data"]
        for of in (configured(settings), graph)
    ]
    without, with_cache = (tomllib.loads(text["buildkitd.toml"]) for text in texts)
    assert without == {}
    assert with_cache == {"registry": {"docker.io": {"mirrors": [CACHE]}}}
