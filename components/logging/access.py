"""Who may do what in Elasticsearch: roles and users as code, read by the operator from Secrets.

https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth/file-based
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from components.logging.names import DATA_STREAMS, FLUENTD, READER, SETUP
from config.required import FLUENTD_PASSWORD, READER_PASSWORD, SETUP_PASSWORD

OURS = f"{DATA_STREAMS}-*"

ROLES: Mapping[str, object] = {
    # It adds documents to data streams that are there, and reads nothing.
    FLUENTD: {"indices": [{"names": [OURS], "privileges": ["create_doc"]}]},
    SETUP: {
        # It names the repository, and snapshots are made as whoever wrote their policy.
        # https://www.elastic.co/docs/deploy-manage/tools/snapshot-and-restore/create-snapshots#slm-security
        "cluster": [
            "manage_ilm",
            "manage_index_templates",
            "manage_slm",
            "monitor",
            "create_snapshot",
            "cluster:admin/repository/put",
        ],
        # A lifecycle acts as who wrote it: what rolls indices over and deletes them is this role. It reads no event.
        # https://www.elastic.co/docs/troubleshoot/elasticsearch/index-lifecycle-management-errors
        "indices": [{"names": [OURS], "privileges": ["manage"]}],
        "applications": [
            {"application": "kibana-.kibana", "privileges": ["space_all"], "resources": ["space:default"]}
        ],
    },
    READER: {
        "indices": [{"names": [OURS], "privileges": ["read", "view_index_metadata"]}],
        "applications": [
            {"application": "kibana-.kibana", "privileges": ["space_read"], "resources": ["space:default"]}
        ],
    },
}
"""Each is the role of the user of the same name.

https://www.elastic.co/docs/reference/elasticsearch/security-privileges
"""


@dataclass(frozen=True, kw_only=True)
class User:
    """A user of Elasticsearch.

    Attributes:
        name: Its name, which is its role's as well.
        secret: Which of the stack's secrets is its password.
    """

    name: str
    secret: str


USERS = (
    User(name=FLUENTD, secret=FLUENTD_PASSWORD),
    User(name=SETUP, secret=SETUP_PASSWORD),
    User(name=READER, secret=READER_PASSWORD),
)


def roles_file() -> str:
    """`roles.yml`; JSON is YAML, too."""
    return json.dumps(ROLES, indent=1)
