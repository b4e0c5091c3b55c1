"""The provider's configuration: account, region, default tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from rehearsal.aws import ACCOUNT_ID
from rehearsal.emulators.aws.properties import from_struct, to_struct
from rehearsal.emulators.aws.provider import AwsProvider
from rehearsal.layout import Layout


class Connection:
    """The context of requests over one connection."""

    def __init__(self, peer: str = "ipv4:127.0.0.1:1") -> None:
        self._peer = peer

    def peer(self) -> str:
        """The engine's end."""
        return self._peer


CONTEXT = cast("grpc.ServicerContext", Connection())


def configured(folder: Path, **configuration: Any) -> AwsProvider:
    provider = AwsProvider(Layout(folder))
    arguments = to_struct({"region": "ap-northeast-2", **configuration})
    provider.Configure(provider_pb2.ConfigureRequest(args=arguments), CONTEXT)
    return provider


@pytest.mark.parametrize("allowed", [["444455556666"], '["444455556666","777788889999"]'])
def test_the_account_is_the_first_that_the_provider_may_work_in(tmp_path: Path, allowed: Any) -> None:
    assert configured(tmp_path, allowedAccountIds=allowed).caller(CONTEXT).account_id == "444455556666"


def test_without_a_word_on_accounts_it_is_the_one_of_awss_documentation(tmp_path: Path) -> None:
    assert configured(tmp_path).caller(CONTEXT).account_id == ACCOUNT_ID


def test_the_providers_tags_are_on_what_it_makes(tmp_path: Path) -> None:
    provider = configured(tmp_path, defaultTags='{"tags":{"owner":"web"}}')
    urn = "urn:pulumi:test::stand-ins::aws:ec2/vpc:Vpc::vpc"
    inputs = to_struct({"cidrBlock": "10.0.0.0/16", "tags": {"Name": "vpc"}})
    checked = provider.Check(provider_pb2.CheckRequest(urn=urn, news=inputs), CONTEXT)
    assert from_struct(checked.inputs)["tagsAll"] == {"owner": "web", "Name": "vpc"}


def test_the_engines_providers_are_told_apart(tmp_path: Path) -> None:
    """One process serves the provider with its new configuration, and the same with the one of before."""
    provider = configured(tmp_path, defaultTags='{"tags":{"owner":"web"}}')
    other = cast("grpc.ServicerContext", Connection("ipv4:127.0.0.1:2"))
    provider.Configure(provider_pb2.ConfigureRequest(args=to_struct({"region": "eu-west-1"})), other)
    assert (provider.caller(CONTEXT).region, provider.caller(CONTEXT).default_tags) == (
        "ap-northeast-2",
        {"owner": "web"},
    )
    assert (provider.caller(other).region, provider.caller(other).default_tags) == ("eu-west-1", {})
