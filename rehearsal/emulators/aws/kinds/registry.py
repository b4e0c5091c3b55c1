"""ECR repositories and their lifecycle policies.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from rehearsal.aws.authorization import Access, allows
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Resource
from rehearsal.emulators.aws.kinds.clusters import role_policies
from rehearsal.emulators.aws.kinds.upgrades import NODE_GROUP

RULE = "aws:ecr/pullThroughCacheRule:PullThroughCacheRule"


def pull_again(repository: Resource) -> None:
    """Nodes that still run pull again: ECR makes a deleted repository of a cache anew if their role may.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html
    """
    rules = [rule.id for rule in repository.account.records(RULE)]
    if not repository.id.startswith(tuple(f"{prefix}/" for prefix in rules)):
        return
    access = Access("ecr:CreateRepository", str(repository.previous["arn"]))
    roles = {str(group.inputs["nodeRoleArn"]) for group in repository.account.records(NODE_GROUP)}
    if any(allows(role_policies(repository, role), access) for role in roles):
        with repository.client("ecr") as ecr:
            ecr.create_repository(repositoryName=repository.id)


def check_credential(rule: Resource) -> None:
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
