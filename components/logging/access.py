"""Roles and users of Elasticsearch, which the ECK operator reads from Secrets. Pure.

https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth/file-based
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import config
from components.logging.names import DATA_STREAMS, FLUENTD, READER, SETUP
from config.required import FLUENTD_PASSWORD, READER_PASSWORD, SETUP_PASSWORD, person_secret

INDEX_PATTERN = f"{DATA_STREAMS}-*"
KIBANA_APPLICATION = "kibana-.kibana"
"""Name of Kibana among the applications whose privileges Elasticsearch keeps: with that of its index."""

KIBANA_READ_AND_SAVE = {
    "application": KIBANA_APPLICATION,
    "privileges": ["space_read", *(f"feature_{one}.all" for one in ("discover_v2", "dashboard_v2", "visualize_v2"))],
    "resources": ["space:default"],
}
"""Reads everything in Kibana's default space, and saves searches, dashboards and charts of one's own there.

Privileges of a feature as a whole need no paid licence, unlike those of its parts.

https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth/kibana-privileges
"""

READ = {f"read-{one}": f"{DATA_STREAMS}-{one}" for one in (*config.ENVIRONMENTS, "platform")}
"""The data stream that each role of people reads."""

PLATFORM_ROLES: Mapping[str, object] = {
    # Adds documents to existing data streams; reads nothing.
    FLUENTD: {"indices": [{"names": [INDEX_PATTERN], "privileges": ["create_doc"]}]},
    SETUP: {
        # Registers the repository and writes the snapshot policy; snapshots run with the rights of the policy's author.
        # https://www.elastic.co/docs/deploy-manage/tools/snapshot-and-restore/create-snapshots#slm-security
        "cluster": [
            "manage_ilm",
            "manage_index_templates",
            "manage_slm",
            "monitor",
            "create_snapshot",
            "cluster:admin/repository/put",
        ],
        # Writes the lifecycle policies, which run with the rights of their author: to roll over and delete indices.
        # `manage` does not include reading events.
        # https://www.elastic.co/docs/troubleshoot/elasticsearch/index-lifecycle-management-errors
        "indices": [
            {"names": [INDEX_PATTERN], "privileges": ["manage"]},
            # Heartbeats and losses, for the alarms.
            {"names": [f"{DATA_STREAMS}-platform"], "privileges": ["read"]},
        ],
        "applications": [
            {"application": KIBANA_APPLICATION, "privileges": ["space_all"], "resources": ["space:default"]}
        ],
    },
}
"""Roles of the platform's programs, each the one of the user of its name.

https://www.elastic.co/docs/reference/elasticsearch/security-privileges
"""

PEOPLE_ROLES: Mapping[str, object] = {
    **{
        role: {
            "indices": [{"names": [stream], "privileges": ["read", "view_index_metadata"]}],
            "applications": [KIBANA_READ_AND_SAVE],
        }
        for role, stream in READ.items()
    },
    "admin": {
        # All but security: whoever may make users and API keys keeps access after leaving `logs.people`.
        "cluster": ["manage"],
        # Restored snapshots too. Without a right to write, no event can be falsified.
        "indices": [
            {
                "names": [INDEX_PATTERN, f"restored-{INDEX_PATTERN}"],
                "privileges": ["read", "view_index_metadata", "manage"],
            }
        ],
        "applications": [{"application": KIBANA_APPLICATION, "privileges": ["all"], "resources": ["*"]}],
    },
}
"""Roles of people, by the name that `logs.people` has."""

ROLES = {**PLATFORM_ROLES, **PEOPLE_ROLES}


@dataclass(frozen=True, kw_only=True)
class User:
    """A user of Elasticsearch.

    Attributes:
        name: Name of the user.
        password: Password, in clear text.
        roles: Names of its roles.
    """

    name: str
    password: str = field(repr=False)
    roles: tuple[str, ...]

    @property
    def secret(self) -> dict[str, str]:
        """Data of a Secret of type `kubernetes.io/basic-auth`, in clear text: pass it to Pulumi as a secret only."""
        return {"username": self.name, "password": self.password, "roles": ",".join(self.roles)}


def users(
    people: Mapping[str, config.Person], *, secrets: Mapping[str, str], passwords: Mapping[str, str]
) -> list[User]:
    """The users: the platform's programs, and each person; without people, `reader`, who reads everything.

    Args:
        people: People by name.
        secrets: The platform's secrets, by name, in clear text.
        passwords: Passwords of people, by the secret's name, in clear text.
    """
    programs = [
        User(name=FLUENTD, password=secrets[FLUENTD_PASSWORD], roles=(FLUENTD,)),
        User(name=SETUP, password=secrets[SETUP_PASSWORD], roles=(SETUP,)),
    ]
    if not people:
        return [*programs, User(name=READER, password=secrets[READER_PASSWORD], roles=tuple(READ))]
    persons = [
        User(name=name, password=passwords[person_secret(name)], roles=tuple(person.roles))
        for name, person in sorted(people.items())
    ]
    return [*programs, *persons]


def roles_file() -> str:
    """The content of `roles.yml`, as JSON, which is also YAML."""
    return json.dumps(ROLES, indent=1)
