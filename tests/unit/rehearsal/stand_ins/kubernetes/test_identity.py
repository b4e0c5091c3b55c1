"""Types, ids, names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.stand_ins.kubernetes.identity import (
    TypeToken,
    generated_name,
    name_of_urn,
    object_id,
    parse_object_id,
    type_of_urn,
)

URN = "urn:pulumi:dev::hello::hello:platform:Slots$kubernetes:apps/v1:Deployment::api::blue"


def test_a_urn_tells_the_resources_own_type_and_whole_name() -> None:
    assert type_of_urn(URN) == "kubernetes:apps/v1:Deployment"
    assert name_of_urn(URN) == "api::blue"
    assert TypeToken.of_urn(URN) == TypeToken("apps", "v1", "Deployment")


@pytest.mark.parametrize(
    ("token", "api_version"),
    [
        ("kubernetes:core/v1:Service", "v1"),
        ("kubernetes:apps/v1:Deployment", "apps/v1"),
        ("kubernetes:elasticsearch.k8s.elastic.co/v1:Elasticsearch", "elasticsearch.k8s.elastic.co/v1"),
    ],
)
def test_a_type_tells_the_api_version(token: str, api_version: str) -> None:
    assert TypeToken.parse(token).api_version == api_version


@pytest.mark.parametrize("token", ["aws:ec2/subnet:Subnet", "kubernetes:v1:Service", "kubernetes:core/v1:", "Service"])
def test_a_type_that_is_no_kubernetes_object_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="is no type of a Kubernetes object"):
        TypeToken.parse(token)


@given(
    st.one_of(st.none(), st.from_regex(r"[a-z]{1,5}", fullmatch=True)), st.from_regex(r"[a-z.]{1,8}", fullmatch=True)
)
def test_an_id_holds_namespace_and_name(namespace: str | None, name: str) -> None:
    assert parse_object_id(object_id(namespace, name)) == (namespace, name)


def test_a_generated_name_is_decided_by_its_seed_and_else_by_chance() -> None:
    assert generated_name("api-", b"seed") == generated_name("api-", b"seed") != generated_name("api-", b"other")
    assert generated_name("api-") != generated_name("api-")
    assert len(generated_name("api-")) == len("api-") + 8
