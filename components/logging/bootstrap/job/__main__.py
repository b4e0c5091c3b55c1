"""Entry point: sends all requests in order and logs them; exits with 1 and the reason where a request fails."""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import checks, cloudwatch, elasticsearch, kibana
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
    login = _login(parameters, password)
    elasticsearch_server = _elasticsearch(parameters, login, deadline)
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


def watch(parameters: dict[str, Any], password: str, *, deadline: float, kubernetes: Server) -> dict[str, float]:
    """The state of the logs, as the metrics of `checks`.

    Args:
        parameters: The content of the parameter file.
        password: Password of the user in `parameters`.
        deadline: Time limit, by `time.monotonic`.
        kubernetes: The Kubernetes API.

    Raises:
        SetupError: A request failed.
    """
    elasticsearch_server = _elasticsearch(parameters, _login(parameters, password), deadline)
    questions = checks.questions(parameters["dataStreams"], parameters["trusted"]["namespace"])
    answers = {
        name: (kubernetes if name == "pods" else elasticsearch_server).ask(question)
        for name, question in questions.items()
    }
    return checks.values(answers, datetime.now(tz=UTC))


def publish(alarms: dict[str, str], metrics: dict[str, float]) -> None:
    """Publishes metrics to CloudWatch.

    Raises:
        SetupError: CloudWatch cannot be reached, or refuses them.
    """
    body = cloudwatch.form(checks.NAMESPACE, {"Stack": alarms["stack"]}, metrics)
    try:
        cloudwatch.publish(alarms["url"], alarms["region"], body, cloudwatch.of_pod(), datetime.now(tz=UTC))
    except (OSError, KeyError) as error:
        raise SetupError(f"CloudWatch: PutMetricData: {error!r}; see the role of the service account") from None


def _login(parameters: dict[str, Any], password: str) -> dict[str, str]:
    token = base64.b64encode(f"{parameters['user']}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


def _elasticsearch(parameters: dict[str, Any], login: dict[str, str], deadline: float) -> Server:
    return Server("Elasticsearch", parameters["elasticsearch"], parameters["elasticsearchCa"], login, deadline)


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
    password, start = os.environ[PASSWORD], time.monotonic()
    metrics: dict[str, float] = {checks.NOT_SET_UP: 0}
    kubernetes = in_cluster(start + PATIENCE)
    try:
        sent = set_up(parameters, password, deadline=start + PATIENCE, kubernetes=kubernetes)
        say("\n".join(sent))
        metrics |= watch(parameters, password, deadline=start + PATIENCE, kubernetes=kubernetes)
        result = f"SET UP: {len(sent)} requests succeeded"
    except SetupError as error:
        metrics[checks.NOT_SET_UP] = 1
        result = f"NOT SET UP: {error}"
    say(f"metrics: {json.dumps(metrics)}")
    code = int(metrics[checks.NOT_SET_UP])
    try:
        publish(parameters["alarms"], metrics)
    except SetupError as error:
        say(f"NOT PUBLISHED: {error}")
        code = 1
    say(result)
    return code


if __name__ == "__main__":
    sys.exit(main())
