"""ECR repositories and their lifecycle policies.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from rehearsal.emulators.aws.api import Api, Call
from rehearsal.emulators.aws.kind import AutoName, Kind, arn, text

_PUT_LIFECYCLE = Call("put_lifecycle_policy", names={"repository": "repositoryName", "policy": "lifecyclePolicyText"})

KINDS = (
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
