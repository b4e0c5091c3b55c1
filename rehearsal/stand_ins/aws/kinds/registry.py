"""ECR repositories, their policies, and the images in them.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from collections.abc import Sequence

from rehearsal.layout import Layout
from rehearsal.stand_ins.aws import moto_answers, rules
from rehearsal.stand_ins.aws.account import ACCOUNT_ID, Record, changing
from rehearsal.stand_ins.aws.kind import AutoName, Kind, Reference, Refusal, Unique, account_id, text

REPOSITORY = "aws:ecr/repository:Repository"
IMAGE = "rehearsal:ecr/image:Image"
"""No type of Pulumi's: images come by `push_image`, as they come to AWS by `docker push`."""

NO_SUCH_REPOSITORY = Refusal(
    "RepositoryNotFoundException",
    "The repository with name '{value}' does not exist in the registry with id '{account}'",
)


def push_image(layout: Layout, repository: str, digest: str, tags: Sequence[str]) -> None:
    """Puts an image into a repository of the account, named; its digest is `sha256:` and 64 hexadecimal digits.

    Raises:
        AwsError: There is no such repository.
    """
    with changing(layout) as account:
        if account.find(REPOSITORY, repository) is None:
            raise NO_SUCH_REPOSITORY.error(value=repository, account=ACCOUNT_ID)
        inputs = {"repository": repository, "digest": digest, "tags": list(tags)}
        account.put(Record(IMAGE, "", f"{repository}@{digest}", inputs, inputs))


KINDS = (
    Kind(
        type=REPOSITORY,
        make_id=text("{name}"),
        arn="arn:aws:ecr:{region}:{account}:repository/{name}",
        name=AutoName(longest=256, lower=True),
        rules={
            "name": moto_answers.judge_repository,
            "imageTagMutability": rules.one_of(
                "MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"
            ),
            "encryptionConfigurations.encryptionType": rules.one_of("AES256", "KMS", "KMS_DSSE"),
            "encryptionConfigurations.kmsKey": rules.arn("kms"),
        },
        unique=(
            Unique(
                ("name",),
                Refusal(
                    "RepositoryAlreadyExistsException",
                    "The repository with name '{name}' already exists in the registry with id '{account}'",
                ),
            ),
        ),
        replaces=frozenset({"encryptionConfigurations", "name"}),
        constants={"forceDelete": False, "imageTagMutability": "MUTABLE"},
        attributes={
            "registryId": account_id,
            "repositoryUrl": text("{account}.dkr.ecr.{region}.amazonaws.com/{name}"),
        },
    ),
    Kind(
        type="aws:ecr/lifecyclePolicy:LifecyclePolicy",
        make_id=text("{repository}"),
        rules={"policy": moto_answers.judge_lifecycle_policy},
        references=(Reference("repository", REPOSITORY, missing=NO_SUCH_REPOSITORY, follows=True),),
        replaces=frozenset({"repository"}),
        attributes={"registryId": account_id},
        tagged=False,
    ),
    Kind(
        type="aws:ecr/repositoryPolicy:RepositoryPolicy",
        make_id=text("{repository}"),
        rules={"policy": rules.json_text},
        references=(Reference("repository", REPOSITORY, missing=NO_SUCH_REPOSITORY, follows=True),),
        replaces=frozenset({"repository"}),
        attributes={"registryId": account_id},
        tagged=False,
    ),
    Kind(
        type=IMAGE,
        make_id=text("{repository}@{digest}"),
        references=(
            Reference(
                "repository",
                REPOSITORY,
                missing=NO_SUCH_REPOSITORY,
                blocks=Refusal(
                    "RepositoryNotEmptyException",
                    "The repository with name '{id}' in registry with id '{registryId}' cannot be deleted because it "
                    "still contains images",
                ),
                unless="forceDelete",
            ),
        ),
    ),
)
