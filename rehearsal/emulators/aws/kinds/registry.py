"""ECR repositories and their lifecycle policies.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from rehearsal.emulators.aws.api import Api, Call
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import AutoName, Kind, Resource, arn, text

_PUT_LIFECYCLE = Call("put_lifecycle_policy", names={"repository": "repositoryName", "policy": "lifecyclePolicyText"})


def _check_credential(rule: Resource) -> None:
    """Docker Hub needs a login. The secret is made outside the program, so any that has the right name is accepted.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-secret.html
    """
    secret = str(rule.inputs.get("credentialArn") or "")
    if rule.inputs["upstreamRegistryUrl"] == "registry-1.docker.io" and not secret:
        raise AwsError("InvalidParameterException", "The upstream registry requires a credential: credentialArn")
    if secret and ":secret:ecr-pullthroughcache/" not in secret:
        raise AwsError("InvalidParameterException", "The secret's name must begin with ecr-pullthroughcache/")
    if secret and secret.split(":")[3:5] != [rule.region, rule.account_id]:
        raise AwsError("InvalidParameterException", "The secret must be in the registry's account and region")


KINDS = (
    # A record only: moto lacks it, and no container of these images runs.
    Kind(
        type="aws:ecr/pullThroughCacheRule:PullThroughCacheRule",
        make_id=text("{ecrRepositoryPrefix}"),
        checks=(_check_credential,),
        tagged=False,
    ),
    Kind(
        type="aws:ecr/repository:Repository",
        make_id=text("{name}"),
        api=Api(
            "ecr",
            Call(
                "create_repository",
                names={"name": "repositoryName", "encryptionConfigurations": "encryptionConfiguration"},
            ),
            update=(Call("put_image_tag_mutability"), Call("put_image_scanning_configuration")),
            delete=(Call("delete_repository", names={"forceDelete": "force"}),),
            key="repositoryName",
        ),
        name=AutoName(longest=256, lower=True),
        attributes={
            "arn": arn("ecr", "repository/{name}"),
            "repositoryUrl": text("{account}.dkr.ecr.{region}.amazonaws.com/{name}"),
        },
    ),
    Kind(
        type="aws:ecr/lifecyclePolicy:LifecyclePolicy",
        make_id=text("{repository}"),
        api=Api(
            "ecr",
            _PUT_LIFECYCLE,
            update=(_PUT_LIFECYCLE,),
            delete=(Call("delete_lifecycle_policy"),),
            key="repositoryName",
        ),
        tagged=False,
    ),
)
