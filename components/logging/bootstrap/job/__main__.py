"""Entry point: sends all requests in order and logs them; exits with 1 and the reason where a request fails."""

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
"""Time limit of a run, in seconds."""

PASSWORD = "ELASTICSEARCH_PASSWORD"  # noqa: S105 - a variable's name
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def set_up(parameters: dict[str, Any], password: str, *, deadline: float, kubernetes: Server) -> list[str]:
    """Configures Elasticsearch and Kibana, and copies the CA's certificate to Fluentd.

    Args:
        parameters: The content of the parameter file.
        password: Password of the user in `parameters`.
        deadline: Time limit, by `time.monotonic`.
        kubernetes: The Kubernetes API.

    Returns:
        The requests that were sent, one a line.

    Raises:
        SetupError: A request failed.
    """
    token = base64.b64encode(f"{parameters['user']}:{password}".encode()).decode()
    login = {"Authorization": f"Basic {token}"}
    elasticsearch_server = Server(
        "Elasticsearch", parameters["elasticsearch"], parameters["elasticsearchCa"], login, deadline
    )
    kibana_server = Server(
        "Kibana", parameters["kibana"], parameters["kibanaCa"], {**login, **kibana.HEADERS}, deadline
    )
    streams, retention = parameters["dataStreams"], parameters["retentionDays"]
    ca = Path(parameters["elasticsearchCa"]).read_text(encoding="utf-8")
    sent: list[str] = []
    for server, requests in (
        (elasticsearch_server, [elasticsearch.ready(), *elasticsearch.requests(streams, retention)]),
        # After the data streams exist: Fluentd's pods start once they have the certificate.
        (kubernetes, [trust(parameters["trusted"], ca)]),
        (kibana_server, [kibana.ready(), *kibana.requests(streams, list(retention))]),
        # Last: a failure of S3 must not keep anybody from reading logs.
        (elasticsearch_server, elasticsearch.snapshots(streams, **parameters["snapshots"])),
    ):
        for request in requests:
            answer = server.ask(request)
            if answer and answer.get("success") is False:
                raise SetupError(f"{server.name}: {request.method} {request.path}: {json.dumps(answer)[:500]}")
            sent.append(f"{server.name}: {request.method} {request.path}")
    return sent


def trust(trusted: dict[str, str], certificate: str) -> Request:
    """The request that writes the certificate of Elasticsearch's CA to Fluentd's ConfigMap."""
    return Request(
        "PATCH",
        f"/api/v1/namespaces/{trusted['namespace']}/configmaps/{trusted['configMap']}?fieldManager=logs-setup",
        {"data": {trusted["key"]: certificate}},
        {"Content-Type": "application/strategic-merge-patch+json"},
    )


def in_cluster(deadline: float) -> Server:
    """The Kubernetes API, with the credentials of the pod's service account."""
    address = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    login = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text(encoding='utf-8')}"}
    return Server("the Kubernetes API", address, str(ACCOUNT / "ca.crt"), login, deadline)


def main() -> int:
    """Runs the program.

    Returns:
        The exit code: 0, or 1 where a request failed.
    """
    parameters = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    deadline = time.monotonic() + PATIENCE
    try:
        sent = set_up(parameters, os.environ[PASSWORD], deadline=deadline, kubernetes=in_cluster(deadline))
    except SetupError as error:
        say(f"NOT SET UP: {error}")
        return 1
    say("\n".join(sent))
    say(f"SET UP: {len(sent)} requests succeeded")
    return 0


if __name__ == "__main__":
    sys.exit(main())
