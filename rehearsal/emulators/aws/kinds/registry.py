"""ECR repositories and their lifecycle policies.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Resource


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
