"""The Pod Identity agent gives a pod the credentials of its service account's role, and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest
from werkzeug.test import Client

from kube.client import KubernetesApi, KubernetesObject
from rehearsal import aws
from rehearsal.aws import pod_identity
from rehearsal.emulators.aws.account import Record, changing
from rehearsal.layout import Layout
from tests.unit.rehearsal.aws.serving import serve

REGION = "ap-northeast-2"


class Reviewer:
    """An API server that knows one token."""

    def create(self, obj: KubernetesObject) -> KubernetesObject:
        """A TokenReview's answer."""
        assert obj["spec"]["audiences"] == ["pods.eks.amazonaws.com"]
        assert "metadata" in obj, "without it the client cannot send it"
        user = {"username": "system:serviceaccount:kube-system:controller"}
        good = obj["spec"]["token"] == "good"  # noqa: S105 - no secret
        return {**obj, "status": {"authenticated": good, "user": user if good else {}}}


def trust(*actions: str, service: str = "pods.eks.amazonaws.com") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions)}
    return {"Version": "2012-10-17", "Statement": [statement]}


WHOLE = trust("sts:AssumeRole", "sts:TagSession")


class Agent:
    """The agent of an account in which a service account has a role."""

    def __init__(self, layout: Layout, document: dict[str, Any]) -> None:
        self.layout = layout
        serve(layout)
        iam = aws.client(layout, "iam", region=REGION)
        made = iam.create_role(RoleName="controller", AssumeRolePolicyDocument=json.dumps(document))
        self.role = str(made["Role"]["Arn"])
        inputs = {"namespace": "kube-system", "serviceAccount": "controller", "roleArn": self.role}
        with changing(layout) as account:
            account.put(Record(pod_identity.ASSOCIATION, "", "a-1", inputs, inputs))
        api = cast("KubernetesApi", Reviewer())
        self.client = Client(
            pod_identity.application(lambda token: pod_identity.credentials(layout, api, token, region=REGION))
        )

    def ask(self, token: str = "good") -> tuple[int, str]:  # noqa: S107 - no secret
        """What the agent answers."""
        answer = self.client.get("/v1/credentials", headers={"Authorization": token})
        return answer.status_code, answer.get_data(as_text=True)


def test_a_pod_gets_its_roles_credentials(tmp_path: Path) -> None:
    agent = Agent(Layout(tmp_path), WHOLE)
    status, text = agent.ask()
    assert status == 200
    given = json.loads(text)
    assert given.keys() == {"AccessKeyId", "SecretAccessKey", "Token", "AccountId", "Expiration"}
    session = cast("Any", boto3).Session(
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["Token"],
        region_name=REGION,
    )
    caller = session.client("sts", endpoint_url=aws.url(agent.layout)).get_caller_identity()
    assert caller["Arn"] == f"arn:aws:sts::{aws.ACCOUNT_ID}:assumed-role/controller/eks-controller"


def test_a_token_that_is_no_good_gets_none(tmp_path: Path) -> None:
    assert Agent(Layout(tmp_path), WHOLE).ask("bad")[0] == 400


@pytest.mark.parametrize(
    "document",
    [
        trust("sts:AssumeRole"),
        trust("sts:TagSession"),
        trust("sts:AssumeRole", "sts:TagSession", service="ec2.amazonaws.com"),
    ],
)
def test_a_role_that_does_not_trust_eks_gives_none(tmp_path: Path, document: dict[str, Any]) -> None:
    assert Agent(Layout(tmp_path), document).ask()[0] == 403


def test_without_an_association_there_are_none(tmp_path: Path) -> None:
    agent = Agent(Layout(tmp_path), WHOLE)
    with changing(agent.layout) as account:
        account.remove(account.records()[0])
    assert pod_identity.associations(agent.layout) == {}
    assert agent.ask()[0] == 404


def test_the_agent_has_one_path(tmp_path: Path) -> None:
    assert Agent(Layout(tmp_path), WHOLE).client.get("/latest/meta-data").status_code == 404
