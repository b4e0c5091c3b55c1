"""Does all of it, in its order, and says what was done; ends with 1 and the reason where something cannot be done."""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from . import elasticsearch, kibana
from .client import Request, Server, SetupError, say

PATIENCE = 480
"""Seconds for the whole of a run."""

PASSWORD = "ELASTICSEARCH_PASSWORD"  # noqa: S105 - a variable's name
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def set_up(parameters: dict[str, Any], password: str, *, deadline: float, kubernetes: Server) -> list[str]:
    """Sets everything up.

    Args:
        parameters: What the program says of the stack.
        password: Of the user that `parameters` names.
        deadline: When to give up, by `time.monotonic`.
        kubernetes: The Kubernetes API.

    Returns:
        What was done, a line each.

    Raises:
        SetupError: Something cannot be done.
    """
    token = base64.b64encode(f"{parameters['user']}:{password}".encode()).decode()
    login = {"Authorization": f"Basic {token}"}
    search = Server("Elasticsearch", parameters["elasticsearch"], parameters["elasticsearchCa"], login, deadline)
    view = Server("Kibana", parameters["kibana"], parameters["kibanaCa"], {**login, **kibana.HEADERS}, deadline)
    streams, retention = parameters["dataStreams"], parameters["retentionDays"]
    done: list[str] = []
    for server, requests in (
        (search, [elasticsearch.ready(), *elasticsearch.requests(streams, retention)]),
        # Fluentd starts once it can trust Elasticsearch, and may: its data streams are there.
        (kubernetes, [trust(parameters["trusted"], Path(parameters["elasticsearchCa"]).read_text(encoding="utf-8"))]),
        (view, [kibana.ready(), *kibana.requests(streams, list(retention))]),
        # Last: logs are read without them, too, and S3 is another service.
        (search, elasticsearch.snapshots(streams, **parameters["snapshots"])),
    ):
        for request in requests:
            answer = server.ask(request)
            if answer and answer.get("success") is False:
                raise SetupError(f"{server.name}: {request.method} {request.path}: {json.dumps(answer)[:500]}")
            done.append(f"{server.name}: {request.method} {request.path}")
    return done


def trust(trusted: dict[str, str], certificate: str) -> Request:
    """Puts the certificate of who signs Elasticsearch's where Fluentd reads it."""
    return Request(
        "PATCH",
        f"/api/v1/namespaces/{trusted['namespace']}/configmaps/{trusted['configMap']}?fieldManager=logs-setup",
        {"data": {trusted["key"]: certificate}},
        {"Content-Type": "application/strategic-merge-patch+json"},
    )


def in_cluster(deadline: float) -> Server:
    """The Kubernetes API, as the pod's service account."""
    address = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    login = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text(encoding='utf-8')}"}
    return Server("the Kubernetes API", address, str(ACCOUNT / "ca.crt"), login, deadline)


def main() -> int:
    """One run.

    Returns:
        0, or 1 where something cannot be done.
    """
    parameters = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    deadline = time.monotonic() + PATIENCE
    try:
        done = set_up(parameters, os.environ[PASSWORD], deadline=deadline, kubernetes=in_cluster(deadline))
    except SetupError as error:
        say(f"NOT SET UP: {error}")
        return 1
    say("\n".join(done))
    say(f"SET UP: {len(done)} requests, all as they should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
