"""ECR repositories and their lifecycle policies.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from rehearsal.emulators.aws import rules
from rehearsal.emulators.aws.api import Api, Call
from rehearsal.emulators.aws.kind import AutoName, Kind, Reference, arn, text

REPOSITORY = "aws:ecr/repository:Repository"

NAME = r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*"
"""https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html ."""

_PUT_LIFECYCLE = Call("put_lifecycle_policy", names={"repository": "repositoryName", "policy": "lifecyclePolicyText"})

KINDS = (
    Kind(
        type=REPOSITORY,
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
        rules={
            "name": rules.pattern(
                NAME,
                "InvalidParameterException",
                "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression "
                f"'{NAME}'': {{value}}",
            ),
            "imageTagMutability": rules.one_of(
                "MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"
            ),
            "encryptionConfigurations.encryptionType": rules.one_of("AES256", "KMS", "KMS_DSSE"),
            "encryptionConfigurations.kmsKey": rules.arn("kms"),
        },
        replaces="encryptionConfigurations name",
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
        rules={"policy": rules.lifecycle_policy},
        references=(Reference("repository", REPOSITORY, follows=True),),
        replaces="repository",
        tagged=False,
    ),
)
