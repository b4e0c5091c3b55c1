"""Roles and users of Elasticsearch, which the ECK operator reads from Secrets.

https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth/file-based
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from components.logging.names import DATA_STREAMS, FLUENTD, READER, SETUP
from config.required import FLUENTD_PASSWORD, READER_PASSWORD, SETUP_PASSWORD

INDEX_PATTERN = f"{DATA_STREAMS}-*"

ROLES: Mapping[str, object] = {
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
            {"application": "kibana-.kibana", "privileges": ["space_all"], "resources": ["space:default"]}
        ],
    },
    READER: {
        "indices": [{"names": [INDEX_PATTERN], "privileges": ["read", "view_index_metadata"]}],
        "applications": [
            {"application": "kibana-.kibana", "privileges": ["space_read"], "resources": ["space:default"]}
        ],
    },
}
"""Roles by name; each user has the role of its own name.

https://www.elastic.co/docs/reference/elasticsearch/security-privileges
"""


@dataclass(frozen=True, kw_only=True)
class User:
    """A user of Elasticsearch.

    Attributes:
        name: Name of the user and of its role.
        secret: Name of the stack's secret with the password.
    """

    name: str
    secret: str


USERS = (
    User(name=FLUENTD, secret=FLUENTD_PASSWORD),
    User(name=SETUP, secret=SETUP_PASSWORD),
    User(name=READER, secret=READER_PASSWORD),
)


def roles_file() -> str:
    """The content of `roles.yml`, as JSON, which is also YAML."""
    return json.dumps(ROLES, indent=1)
