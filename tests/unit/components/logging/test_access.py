"""Users and roles of Elasticsearch: what each program and each person may do."""

from __future__ import annotations

import fnmatch
import json
import typing
from collections.abc import Mapping
from typing import Any, cast

import pytest

import config
from components.logging.access import PEOPLE_ROLES, PLATFORM_ROLES, ROLES, roles_file, users
from config.checks.logs import TAKEN
from config.required import PLATFORM
from tests.unit.components.logging.test_logs import of_kind, texts
from tests.unit.config.configurations import changed
from tests.unit.program import configured, made_up, platform
from tools.program.graph import Graph, Secret, of_logs

STREAMS = ("logs-hello-dev", "logs-hello-prod", "logs-hello-platform")
SECRETS = dict.fromkeys(PLATFORM, "made up")
PEOPLE = {"ben": {"roles": ["read-dev", "read-prod"]}, "ada-lovelace": {"roles": ["admin"]}}
PASSWORDS = {"BEN": "ben-has-made-this-up", "ADA_LOVELACE": "ada-has-made-this-up"}


def with_people(people: Mapping[str, Any], passwords: Mapping[str, str]) -> Graph:
    """The platform of the tests' stack dev with people, and without the shared user's password."""
    secrets: dict[str, Any] = {f"secrets.platform.people.{name}": password for name, password in passwords.items()}
    return configured(changed({"logs.people": people, "secrets.platform.logs.READER_PASSWORD": None, **secrets}))


def user_secrets(graph: Graph) -> dict[str, dict[str, str]]:
    """The data of each Secret with a user, by the Secret's name."""
    found: dict[str, dict[str, str]] = {}
    for one in graph.of_kind("Secret"):
        if of_logs(one) and one.inputs.get("type") == "kubernetes.io/basic-auth":
            data: Any = one.inputs["stringData"]
            assert isinstance(data, Secret), one.urn
            values = cast("dict[str, Any]", data.value)
            found[one.metadata["name"]] = {
                key: value.value if isinstance(value, Secret) else value for key, value in values.items()
            }
    return found


def test_each_person_is_a_user_with_a_password_of_their_own_and_nobody_shares_one() -> None:
    graph = with_people(PEOPLE, PASSWORDS)
    found = user_secrets(graph)
    assert found["elasticsearch-user-ben"] == {
        "username": "ben",
        "password": PASSWORDS["BEN"],
        "roles": "read-dev,read-prod",
    }
    assert found["elasticsearch-user-ada-lovelace"] == {
        "username": "ada-lovelace",
        "password": PASSWORDS["ADA_LOVELACE"],
        "roles": "admin",
    }
    assert "elasticsearch-user-reader" not in found
    realm = of_kind(graph, "Elasticsearch").spec["auth"]["fileRealm"]
    assert {one["secretName"] for one in realm} == set(found)
    everywhere = [one.urn for one in graph.objects() for text in texts(one.inputs) if text == PASSWORDS["BEN"]]
    assert len(everywhere) == 1, "the password is where the operator reads it only"


def test_without_people_there_is_one_login_that_reads_everything() -> None:
    found = user_secrets(platform("dev", preview=False))
    assert set(found) == {f"elasticsearch-user-{name}" for name in ("fluentd", "logs-setup", "reader")}
    reader = found["elasticsearch-user-reader"]
    assert reader["roles"] == "read-dev,read-prod,read-platform"
    assert reader["password"] == made_up(config.RequiredSecret("platform", "logs", "READER_PASSWORD"))


def test_the_order_in_the_settings_changes_nothing() -> None:
    people = {name: config.Person(roles=["read-dev"]) for name in ("ben", "ada")}
    passwords = {"BEN": "made up", "ADA": "made up"}
    backwards = dict(reversed(people.items()))
    assert users(people, secrets=SECRETS, passwords=passwords) == users(backwards, secrets=SECRETS, passwords=passwords)


def test_every_role_of_the_settings_is_one_of_elasticsearch_and_every_users_is() -> None:
    assert set(PEOPLE_ROLES) == set(typing.get_args(config.LogRole))
    assert not set(PEOPLE_ROLES) & set(PLATFORM_ROLES)
    assert json.loads(roles_file()) == ROLES
    for user in users({}, secrets=SECRETS, passwords={}):
        assert {*user.roles} <= set(ROLES)


def test_no_person_takes_the_name_of_a_program() -> None:
    assert {user.name for user in users({}, secrets=SECRETS, passwords={})} <= set(TAKEN)


def roles() -> dict[str, dict[str, Any]]:
    return cast("dict[str, dict[str, Any]]", ROLES)


def privileges(role: str, stream: str) -> set[str]:
    """What a role may do with a data stream."""
    return {
        privilege
        for index in roles()[role]["indices"]
        if any(fnmatch.fnmatchcase(stream, pattern) for pattern in index["names"])
        for privilege in index["privileges"]
    }


def kibana(role: str) -> tuple[set[str], set[str]]:
    """What a role may do in Kibana, and in which spaces."""
    (entry,) = roles()[role]["applications"]
    assert entry["application"] == "kibana-.kibana"
    return {*entry["privileges"]}, {*entry["resources"]}


@pytest.mark.parametrize("environment", ["dev", "prod", "platform"])
def test_who_reads_an_environment_reads_its_logs_and_no_others(environment: str) -> None:
    role = f"read-{environment}"
    for stream in STREAMS:
        own = stream == f"logs-hello-{environment}"
        assert privileges(role, stream) == ({"read", "view_index_metadata"} if own else set())
    assert "cluster" not in roles()[role]


@pytest.mark.parametrize("role", ["read-dev", "read-prod", "read-platform"])
def test_who_reads_saves_searches_dashboards_and_charts_and_changes_nothing_else_in_kibana(role: str) -> None:
    # https://www.elastic.co/guide/en/kibana/current/kibana-privileges.html
    saves = {f"feature_{one}_v2.all" for one in ("discover", "dashboard", "visualize")}
    assert kibana(role) == ({"space_read", *saves}, {"space:default"})


def test_the_administrator_manages_all_but_users_and_falsifies_no_event() -> None:
    # `manage` excludes security: https://www.elastic.co/docs/reference/elasticsearch/security-privileges
    assert roles()["admin"]["cluster"] == ["manage"]
    for stream in (*STREAMS, "restored-logs-hello-prod-2026.11.27-000001"):
        assert privileges("admin", stream) == {"read", "view_index_metadata", "manage"}, stream
    assert privileges("admin", ".security-7") == set()
    assert kibana("admin") == ({"all"}, {"*"})


def test_fluentd_only_adds_and_no_program_has_more_rights_than_it_needs() -> None:
    assert ROLES["fluentd"] == {"indices": [{"names": ["logs-hello-*"], "privileges": ["create_doc"]}]}
    for name in PLATFORM_ROLES:
        assert not {"all", "manage", "superuser"} & {*roles()[name].get("cluster", [])}
    for role in roles().values():
        for index in role["indices"]:
            assert not {"all", "delete", "delete_index", "write", "index"} & {*index["privileges"]}


def test_who_writes_the_lifecycles_may_roll_over_and_delete_and_no_other_program() -> None:
    # Elasticsearch does a lifecycle's actions as the user who wrote it last; `manage` has all of them, and reads
    # no event; those of the platform, with heartbeats, are read for the alarms. https://www.elastic.co/docs/reference/elasticsearch/security-privileges
    assert roles()["logs-setup"]["indices"] == [
        {"names": ["logs-hello-*"], "privileges": ["manage"]},
        {"names": ["logs-hello-platform"], "privileges": ["read"]},
    ]
    may = {role: {one for stream in STREAMS for one in privileges(role, stream)} for role in ROLES}
    assert {role for role, given in may.items() if "manage" in given} == {"logs-setup", "admin"}
