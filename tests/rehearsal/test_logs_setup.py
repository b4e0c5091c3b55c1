"""The logging bootstrap as its pod runs it: mounts, user, and the operator's certificates."""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from components.logging.bootstrap import job
from components.logging.bootstrap.job.__main__ import set_up
from components.logging.bootstrap.job.client import Request, Server, SetupError
from kube.client import KubernetesApi, KubernetesObject
from rehearsal import status
from rehearsal.layout import CHECKOUT
from rehearsal.lifecycle import Rehearsal
from rehearsal.network import namespace
from tests.rehearsal.conftest import eventually
from tests.rehearsal.stacks import ONE_STACK
from tests.release.identities import with_token
from tests.unit.components.logging.bootstrap.stand_in import Account, serving

LOGGING = "logging"
LOG_COLLECTOR = "log-collector"
SECONDS = 30
STAND_IN, BY_HAND = "stand-in", "logs-setup-by-hand"
ZONE = "topology.kubernetes.io/zone"
ELASTICSEARCH_PODS = "common.k8s.elastic.co/type=elasticsearch"

needs_network = pytest.mark.skipif(namespace.refusal() is not None, reason="no network namespace is to be had")


def cron_job(api: KubernetesApi) -> dict[str, Any]:
    found = api.get("batch/v1", "CronJob", "logs-setup", LOGGING)
    assert found
    return found["spec"]["jobTemplate"]["spec"]


def secret(api: KubernetesApi, name: str) -> dict[str, bytes]:
    found = api.get("v1", "Secret", name, LOGGING)
    assert found, name
    return {key: base64.b64decode(value) for key, value in found["data"].items()}


def pod(api: KubernetesApi) -> dict[str, Any]:
    return cron_job(api)["template"]["spec"]


def mounted(api: KubernetesApi, folder: Path) -> dict[str, Any]:
    """Puts the certificates into a folder as they are mounted; what the script is told, with their paths."""
    volumes: dict[str, dict[str, Any]] = {one["name"]: one for one in pod(api)["volumes"]}
    for source in volumes["certificates"]["projected"]["sources"]:
        content = secret(api, source["secret"]["name"])
        for item in source["secret"]["items"]:
            (folder / item["path"]).write_bytes(content[item["key"]])
    script = api.get("v1", "ConfigMap", volumes["script"]["configMap"]["name"], LOGGING)
    assert script
    data: dict[str, str] = dict(script["data"])
    told = json.loads(data.pop("parameters.json"))
    assert data == job.files()
    return {**told, **{key: str(folder / Path(told[key]).name) for key in ("elasticsearchCa", "kibanaCa")}}


def password(api: KubernetesApi) -> str:
    (container,) = pod(api)["containers"]
    (variable,) = container["env"]
    key = variable["valueFrom"]["secretKeyRef"]
    return secret(api, key["name"])[key["key"]].decode()


def itself(platform: Rehearsal, folder: Path) -> Server:
    """The API server, asked by the token that the pod would have."""
    as_it = with_token(platform.layout.kubeconfig, pod(platform.api())["serviceAccountName"], LOGGING)
    cluster, user = as_it["clusters"][0]["cluster"], as_it["users"][0]["user"]
    certificate = folder / "kubernetes.crt"
    certificate.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    login = {"Authorization": f"Bearer {user['token']}"}
    return Server("Kubernetes", cluster["server"], str(certificate), login, time.monotonic() + SECONDS)


@contextmanager
def stand_ins(api: KubernetesApi, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[dict[str, Account]]:
    """Elasticsearch and Kibana, by their Services' names, with the certificates that the operator made for them."""
    names = {"elasticsearch": ("hello-es", 9200), "kibana": ("kibana-kb", 5601)}
    resolve, known = socket.getaddrinfo, dict[tuple[str, int], int]()

    def here(host: Any, port: Any, *more: Any, **options: Any) -> Any:
        if (host, port) in known:
            return resolve("127.0.0.1", known[host, port], *more, **options)
        return resolve(host, port, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    with ExitStack() as stack:
        accounts: dict[str, Account] = {}
        for name, (prefix, port) in names.items():
            made = secret(api, f"{prefix}-http-certs-internal")
            for key in ("tls.crt", "tls.key"):
                (folder / f"{name}-{key}").write_bytes(made[key])
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / f"{name}-tls.crt", folder / f"{name}-tls.key")
            accounts[name] = stack.enter_context(serving(context, password=password(api)))
            known[f"{prefix}-http.{LOGGING}.svc", port] = urlsplit(accounts[name].url).port or 0
        yield accounts


def test_it_sets_everything_up_over_tls_with_its_own_password_and_its_own_right(
    platform: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = platform.api()
    parameters = mounted(api, tmp_path)
    deadline = time.monotonic() + SECONDS
    with stand_ins(api, tmp_path, monkeypatch) as there:
        set_up(parameters, password(api), deadline=deadline, kubernetes=itself(platform, tmp_path))
        first = {name: dict(account.there) for name, account in there.items()}
        set_up(parameters, password(api), deadline=deadline, kubernetes=itself(platform, tmp_path))
        assert {name: account.there for name, account in there.items()} == first
    assert "/_data_stream/logs-hello-prod" in first["elasticsearch"]
    assert {"dev", "prod", "platform", "default", "prod-dashboard"} <= set(first["kibana"])
    # What Fluentd waits for.
    trusted = Path(parameters["elasticsearchCa"]).read_text()
    assert (api.get("v1", "ConfigMap", "elasticsearch-ca", LOG_COLLECTOR) or {})["data"] == {"ca.crt": trusted}


def test_a_server_with_another_certificate_is_not_told_the_password(
    platform: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = platform.api()
    parameters = {**mounted(api, tmp_path), "elasticsearchCa": str(tmp_path / "kibana.crt")}
    with (
        stand_ins(api, tmp_path, monkeypatch) as there,
        pytest.raises(SetupError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        set_up(parameters, password(api), deadline=time.monotonic(), kubernetes=itself(platform, tmp_path))
    assert there["elasticsearch"].asked == []


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", f"/api/v1/namespaces/{LOGGING}/secrets"),
        Request("GET", f"/api/v1/namespaces/{LOG_COLLECTOR}/configmaps"),
        Request("DELETE", f"/api/v1/namespaces/{LOG_COLLECTOR}/configmaps/elasticsearch-ca"),
        Request("GET", "/api/v1/nodes"),
    ],
    ids=lambda one: f"{one.method} {one.path}",
)
@ONE_STACK
def test_it_may_do_nothing_else_in_the_cluster(platform: Rehearsal, tmp_path: Path, request_: Request) -> None:
    with pytest.raises(SetupError, match="403"):
        itself(platform, tmp_path).ask(request_)


STAND_INS = """
import os, ssl, sys, time
sys.path.insert(0, "/program")
import stand_in
def serve(name, port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"/{name}/tls.crt", f"/{name}/tls.key")
    server = stand_in.serving(context, password=os.environ["ELASTICSEARCH_PASSWORD"], at=("", port))
    return server, server.__enter__()
served = [serve("elasticsearch", 9200), serve("kibana", 5601)]
told = 0
while True:
    asked = [one for _, account in served for one in account.asked]
    print(*asked[told:], sep="\\n", end="\\n" if asked[told:] else "", flush=True)
    told = len(asked)
    time.sleep(0.2)
"""


def stand_in_pod(api: KubernetesApi) -> KubernetesObject:
    """A pod of Elasticsearch's and Kibana's stand-ins, with the certificates that the operator made for them."""
    (container,) = pod(api)["containers"]
    secrets = {"elasticsearch": "hello-es-http-certs-internal", "kibana": "kibana-kb-http-certs-internal"}
    names = [*secrets, "program"]
    spec: dict[str, Any] = {
        **{key: pod(api)[key] for key in ("nodeSelector", "priorityClassName", "securityContext")},
        "containers": [
            {
                **{key: container[key] for key in ("image", "env", "resources", "securityContext")},
                "name": "stand-ins",
                "command": ["python", "-B", "-c", STAND_INS],
                "volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in names],
            }
        ],
        "volumes": [
            {"name": "program", "configMap": {"name": STAND_IN}},
            *({"name": name, "secret": {"secretName": secret}} for name, secret in secrets.items()),
        ],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": STAND_IN, "namespace": LOGGING}, "spec": spec}


@needs_network
def test_a_run_by_the_documented_command_sets_everything_up_as_its_pod(platform: Rehearsal) -> None:
    """The Job's own pod: its user, mounts, token and one right. Only names lead elsewhere."""
    api = platform.api()
    data = {"stand_in.py": (CHECKOUT / "tests/unit/components/logging/bootstrap/stand_in.py").read_text()}
    meta = {"name": STAND_IN, "namespace": LOGGING}
    api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})
    api.create(stand_in_pod(api))

    def of(kind: str, name: str) -> dict[str, Any]:
        return (api.get("v1" if kind == "Pod" else "batch/v1", kind, name, LOGGING) or {}).get("status", {})

    try:
        eventually(lambda: of("Pod", STAND_IN).get("phase") == "Running", "the stand-ins run")
        names = ["hello-es-http.logging.svc", "kibana-kb-http.logging.svc"]
        job = cron_job(api)
        job["template"]["spec"]["hostAliases"] = [{"ip": of("Pod", STAND_IN)["podIP"], "hostnames": names}]
        metadata = {"name": BY_HAND, "namespace": LOGGING}
        api.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": job})
        eventually(lambda: of("Job", BY_HAND).get("succeeded") == 1, "the Job has run")
        (run,) = api.list("v1", "Pod", namespace=LOGGING, label_selector=f"job-name={BY_HAND}")
        environment_of = {node.name: node.environment for node in status.nodes(api)}
        assert environment_of[run["spec"]["nodeName"]] == "dev"
        assert "requests succeeded" in logs_of(platform, run["metadata"]["name"])
        asked = logs_of(platform, STAND_IN)
        assert "PUT /_data_stream/logs-hello-prod" in asked
        assert "POST /api/data_views/default" in asked
        # What Fluentd waits for.
        trusted = secret(api, "hello-es-http-certs-public")["ca.crt"].decode()
        assert (api.get("v1", "ConfigMap", "elasticsearch-ca", LOG_COLLECTOR) or {})["data"] == {"ca.crt": trusted}
    finally:
        api.delete("batch/v1", "Job", BY_HAND, LOGGING)
        api.delete("v1", "Pod", STAND_IN, LOGGING, grace_seconds=0)
        api.delete("v1", "ConfigMap", STAND_IN, LOGGING)


def logs_of(platform: Rehearsal, name: str) -> str:
    command = [str(platform.layout.tools / "kubectl"), "--namespace", LOGGING, "logs", name]
    variables = {**os.environ, "KUBECONFIG": str(platform.layout.kubeconfig)}
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout


@needs_network
def test_the_operator_acts_with_its_own_rights_and_they_are_enough(platform: Rehearsal) -> None:
    """It makes all that the program asks for; telling Elasticsearch's pods their zones takes a right to see nodes."""
    api = platform.api()
    (wanted,) = api.list("elasticsearch.k8s.elastic.co/v1", "Elasticsearch")
    by_zone = any("zoneAwareness" in one for one in wanted["spec"]["nodeSets"])
    zones = {node["metadata"]["name"]: node["metadata"]["labels"][ZONE] for node in api.list("v1", "Node")}

    def told() -> list[tuple[str | None, str | None]]:
        return [
            (one["metadata"].get("annotations", {}).get(ZONE), zones[one["spec"]["nodeName"]] if by_zone else None)
            for one in api.list("v1", "Pod", namespace=LOGGING, label_selector=ELASTICSEARCH_PODS)
        ]

    eventually(lambda: told() != [] and all(one == zone for one, zone in told()), "pods are told their zones")
    said = logs_of(platform, "elastic-operator-0")
    assert '"log.level":"info"' in said
    assert "forbidden" not in said
