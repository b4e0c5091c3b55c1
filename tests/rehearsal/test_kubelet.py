"""Containers run as their pod specifies, with its permissions, in its network, until their end."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from kubernetes.utils.quantity import parse_quantity  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

import versions
from kube.client import KubernetesApi, KubernetesObject
from rehearsal import control_plane as kubernetes
from rehearsal.emulators import in_cluster
from rehearsal.emulators.aws import addons
from rehearsal.network import namespace
from rehearsal.nodes import metrics_path
from rehearsal.processes import ProcessTable
from rehearsal.toolchain import Toolchain
from tests.rehearsal.conftest import RunningControlPlane, eventually
from tests.rehearsal.inside import Network

NODE = "ip-10-0-1-5.ap-northeast-2.compute.internal"
LABELS = {
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/os": "linux",
    "topology.kubernetes.io/region": "ap-northeast-2",
}
NAMESPACE = "containers"
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a folder

pytestmark = pytest.mark.skipif(namespace.refusal() is not None, reason="no network namespace is to be had")

SERVER = """
import http.server, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: (print("ended by SIGTERM", flush=True), os._exit(0)))
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if self.path == "/ready" and os.path.exists("/state/unready") else 200)
        self.end_headers()
        self.wfile.write(os.environ["NAME"].encode())
        if self.path == "/break":
            open("/state/unready", "w").close()
print("serving", flush=True)
http.server.ThreadingHTTPServer(("", 8000), Answer).serve_forever()
"""

ASK = """
import json, ssl, sys, urllib.error, urllib.request
folder = "/var/run/secrets/kubernetes.io/serviceaccount"
context = ssl.create_default_context(cafile=folder + "/ca.crt")
for path in sys.argv[1:]:
    request = urllib.request.Request("https://172.20.0.1" + path)
    request.add_header("Authorization", "Bearer " + open(folder + "/token").read())
    try:
        print(path, urllib.request.urlopen(request, context=context).status)
    except urllib.error.HTTPError as error:
        print(path, error.code)
"""

RESOLVE = """
import socket, sys
for name in sys.argv[1:]:
    try:
        print(name, socket.gethostbyname(name))
    except OSError as error:
        print(name, error)
"""

SHOW = """
import json, os, pathlib, sys
def tried(path):
    try:
        pathlib.Path(path).write_text("x")
        return "written"
    except OSError as error:
        return error.strerror
print(json.dumps({
    "arguments": sys.argv[1:],
    "variables": dict(os.environ),
    "folder": os.getcwd(),
    "user": [os.getuid(), os.getgid(), sorted(os.getgroups())],
    "resolv.conf": pathlib.Path("/etc/resolv.conf").read_text(),
    "hosts": pathlib.Path("/etc/hosts").read_text(),
    "files": {str(path): path.read_text() for path in pathlib.Path("/files").iterdir() if path.is_file()},
    "modes": {path.name: oct(path.stat().st_mode & 0o777) for path in pathlib.Path("/files").iterdir()},
    "root": sorted(os.listdir("/")),
    "written": {path: tried(path) for path in ("/new", "/files/new", "/scratch/new")},
    "processes": [int(one) for one in os.listdir("/proc") if one.isdigit()],
}))
"""


@pytest.fixture(scope="module")
def api(control_plane: RunningControlPlane) -> Iterator[KubernetesApi]:
    """The API server of a cluster with a node and a namespace."""
    api = control_plane.api
    size = {"cpu": "4", "memory": "16Gi", "pods": "50", "ephemeral-storage": "50Gi"}
    api.create(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": NODE, "labels": LABELS, "annotations": metrics_path(NODE)},
            "status": {
                "capacity": size,
                "allocatable": size,
                "addresses": [{"type": "InternalIP", "address": "10.0.1.5"}, {"type": "Hostname", "address": NODE}],
            },
        }
    )
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    account = ("v1", "ServiceAccount", "default", NAMESPACE)
    eventually(lambda: api.get(*account) is not None, "the namespace has its service account")
    yield api
    for pod in api.list("v1", "Pod", namespace=NAMESPACE):
        api.delete("v1", "Pod", pod["metadata"]["name"], NAMESPACE, grace_seconds=0)
    api.delete("v1", "Node", NODE)


def python(name: str, program: str, *arguments: str, **more: Any) -> dict[str, Any]:
    """A container of Python's image."""
    command = ["python", "-B", "-c", program, *arguments]
    return {"name": name, "image": versions.PYTHON_IMAGE, "command": command, **more}


def pod(name: str, *containers: dict[str, Any], labels: dict[str, str] | None = None, **spec: Any) -> KubernetesObject:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels or {}},
        "spec": {"containers": list(containers), **spec},
    }


def status(api: KubernetesApi, name: str) -> dict[str, Any]:
    return (api.get("v1", "Pod", name, NAMESPACE) or {}).get("status") or {}


def container(api: KubernetesApi, name: str) -> dict[str, Any]:
    told: list[dict[str, Any]] = status(api, name).get("containerStatuses") or []
    return told[0] if told else {"state": {}, "lastState": {}}


def ended(api: KubernetesApi, name: str, phase: str = "Succeeded") -> None:
    eventually(lambda: status(api, name).get("phase") == phase, f"{name} is {phase}")


@pytest.fixture
def logs(control_plane: RunningControlPlane, tools: Toolchain) -> Any:
    """What `kubectl logs` prints, once KWOK knows where a pod's logs are.

    It starts before the kinds that say so exist (rehearsal/kubelet/definitions.yaml), and looks for them again later.
    """

    def printed(*arguments: str) -> str:
        command = [
            str(tools.kubernetes_program("kubectl")),
            f"--kubeconfig={control_plane.layout.kubeconfig}",
            f"--namespace={NAMESPACE}",
            "logs",
            *arguments,
        ]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        return run.stdout if run.returncode == 0 else run.stderr

    def known(*arguments: str) -> str:
        found = ""

        def is_known() -> bool:
            nonlocal found
            found = printed(*arguments)
            return not any(
                unknown in found for unknown in ("no logs found for container", "No container runs in this pod")
            )

        eventually(is_known, "KWOK knows the logs")
        return found

    return known


@pytest.fixture(scope="module")
def network(control_plane: RunningControlPlane) -> Iterator[Network]:
    """Who asks Services from the nodes' network."""
    holder = namespace.find_holder(ProcessTable(control_plane.layout.processes))
    assert holder
    one = Network.of(holder.pid)
    yield one
    one.end()


def test_a_container_finds_what_its_pod_says(api: KubernetesApi, logs: Any) -> None:
    meta = {"name": "given", "namespace": NAMESPACE}
    api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1", "b": "two"}})
    api.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"key": "s3cret"}})
    projected = [
        {"configMap": {"name": "given", "items": [{"key": "b", "path": "two.txt", "mode": 0o400}]}},
        {"secret": {"name": "given"}},
        {"serviceAccountToken": {"path": "token", "audience": "somebody", "expirationSeconds": 600}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    shown = python(
        "show",
        SHOW,
        "$(POD)-$(SECRET)",
        "$$(POD)",
        "$(NOBODY)",
        env=[
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "given", "key": "key"}}},
            {"name": "BOTH", "value": "$(POD) $(IP)"},
            {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "given", "key": "a"}}},
        ],
        workingDir="/work",
        volumeMounts=[{"name": "files", "mountPath": "/files"}, {"name": "scratch", "mountPath": "/scratch"}],
        securityContext={"readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
    )
    api.create(
        pod(
            "show",
            shown,
            restartPolicy="Never",
            securityContext={"runAsUser": 1234, "runAsGroup": 1234, "fsGroup": 4321, "runAsNonRoot": True},
            enableServiceLinks=False,
            volumes=[
                {"name": "files", "projected": {"sources": projected}},
                {"name": "scratch", "emptyDir": {}},
            ],
        )
    )
    ended(api, "show")
    seen = json.loads(logs("show"))
    address = status(api, "show")["podIP"]
    assert address.startswith("100.65.")
    assert seen["arguments"] == ["show-s3cret", "$(POD)", "$(NOBODY)"]
    assert (
        seen["variables"].items()
        >= {
            "BOTH": f"show {address}",
            "A": "1",
            "HOSTNAME": "show",
            "KUBERNETES_SERVICE_HOST": "172.20.0.1",
        }.items()
    )
    # Nothing of this machine's.
    assert not seen["variables"].keys() & {"HELLO_REHEARSAL", "KUBECONFIG", "PYTHONPATH", "USER"}
    assert not {"work", "files", "scratch"} - set(seen["root"])
    assert seen["folder"] == "/work"
    assert seen["files"]["/files/two.txt"] == "two"
    assert seen["files"]["/files/key"] == "s3cret"
    assert seen["files"]["/files/namespace"] == NAMESPACE
    assert seen["files"]["/files/token"].count(".") == 2
    assert seen["written"] == {
        "/new": "Read-only file system",
        "/files/new": "Read-only file system",
        "/scratch/new": "written",
    }
    assert seen["resolv.conf"].splitlines() == [
        f"search {NAMESPACE}.svc.cluster.local svc.cluster.local cluster.local ap-northeast-2.compute.internal",
        "nameserver 172.20.0.10",
        "options ndots:5",
    ]
    assert f"{address}\tshow" in seen["hosts"]
    assert seen["processes"] == [1]
    if os.geteuid() == 0:
        assert seen["user"] == [1234, 1234, [4321]]
        assert seen["modes"]["two.txt"] == "0o440"


def test_it_asks_the_api_server_with_its_service_accounts_rights_alone(api: KubernetesApi, logs: Any) -> None:
    paths = [f"/api/v1/namespaces/{NAMESPACE}/pods", "/api/v1/nodes", f"/api/v1/namespaces/{NAMESPACE}/secrets"]
    meta = {"name": "asks", "namespace": NAMESPACE}
    group = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": meta}
    api.create({**role, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]})
    subject = {"kind": "ServiceAccount", **meta}
    binding = {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": meta, "subjects": [subject]}
    api.create({**binding, "roleRef": {"apiGroup": group, "kind": "Role", "name": "asks"}})
    api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    api.create(pod("asks", python("ask", ASK, *paths), serviceAccountName="asks", restartPolicy="Never"))
    ended(api, "asks")
    answers = dict(line.split() for line in logs("asks").splitlines())
    assert answers == {paths[0]: "200", paths[1]: "403", paths[2]: "403"}


def test_a_service_leads_to_it_while_it_is_ready_and_its_end_is_its_process_end(
    api: KubernetesApi, network: Network
) -> None:
    meta = {"name": "serves", "namespace": NAMESPACE}
    spec = {"selector": {"app": "serves"}, "ports": [{"port": 80, "targetPort": "http"}]}
    service = api.create({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})
    served = python(
        "serve",
        SERVER,
        env=[{"name": "NAME", "value": "it is me"}],
        ports=[{"containerPort": 8000, "name": "http"}],
        readinessProbe={"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1},
        volumeMounts=[{"name": "state", "mountPath": "/state"}],
    )
    volumes: list[dict[str, Any]] = [{"name": "state", "emptyDir": {}}]
    api.create(pod("serves", served, labels={"app": "serves"}, volumes=volumes))

    def ready() -> list[bool]:
        slices = api.list(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            namespace=NAMESPACE,
            label_selector="kubernetes.io/service-name=serves",
        )
        return [one["conditions"]["ready"] for slice_ in slices for one in slice_["endpoints"] or ()]

    eventually(lambda: ready() == [True], "the pod is ready")
    address = service["spec"]["clusterIP"]
    eventually(lambda: network.ask(address, 80) == {"it is me": 1}, "the Service leads to it")
    assert processes("serve_forever") != []
    assert network.ask(address, "80/break") == {"it is me": 1}
    eventually(lambda: ready() == [False], "the pod is not ready any more")
    eventually(lambda: network.ask(address, 80) == {"": 1}, "the Service leads nowhere")
    assert container(api, "serves")["restartCount"] == 0
    api.delete("v1", "Pod", "serves", NAMESPACE)
    eventually(lambda: api.get("v1", "Pod", "serves", NAMESPACE) is None, "the pod is gone", 20)
    assert processes("serve_forever") == []


def processes(word: str) -> list[int]:
    """Containers' processes whose command holds a word."""
    return [
        one.pid
        for one in psutil.process_iter(["cmdline"])
        if (words := one.info["cmdline"]) and words[0] == "python" and any(word in each for each in words)
    ]


@pytest.fixture(scope="module")
def dns(api: KubernetesApi) -> Iterator[list[KubernetesObject]]:
    """The DNS add-on, as it comes with a cluster."""
    objects = addons.objects("coredns", versions.COREDNS, "")
    in_cluster.bring(api, addons.mark("coredns"), objects, manager="test")
    assert in_cluster.waits_for(api, objects, 60) == []
    yield objects
    in_cluster.bring(api, addons.mark("coredns"), [], manager="test")


@pytest.mark.usefixtures("dns")
def test_names_of_services_are_resolved_in_it_by_the_clusters_dns(api: KubernetesApi, logs: Any) -> None:
    meta = {"name": "named", "namespace": NAMESPACE}
    service = api.create({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": [{"port": 80}]}})
    full = f"named.{NAMESPACE}.svc.cluster.local"
    names = ["named", f"named.{NAMESPACE}", full, "kubernetes.default.svc", "other"]
    api.create(pod("resolves", python("resolve", RESOLVE, *names), restartPolicy="Never"))
    ended(api, "resolves")
    found = dict(line.split(" ", 1) for line in logs("resolves").splitlines())
    address = service["spec"]["clusterIP"]
    assert [found[name] for name in names[:4]] == [address, address, address, "172.20.0.1"]
    assert "172.20" not in found["other"]


def test_the_dns_server_has_the_rights_of_its_add_on_alone(api: KubernetesApi, dns: list[KubernetesObject]) -> None:
    """Without them it never gets ready: it acts by them, and by no others."""
    (binding,) = (one for one in dns if one["kind"] == "ClusterRoleBinding")
    api.delete(binding["apiVersion"], "ClusterRoleBinding", binding["metadata"]["name"])
    workload = ("apps/v1", "Deployment", "coredns", "kube-system")

    def ready() -> int:
        return (api.get(*workload) or {}).get("status", {}).get("readyReplicas", 0)

    for server in api.list("v1", "Pod", namespace="kube-system", label_selector="k8s-app=kube-dns"):
        api.delete("v1", "Pod", server["metadata"]["name"], "kube-system")
    eventually(lambda: ready() == 0, "no server is ready")
    time.sleep(5)
    assert ready() == 0
    api.apply(binding, field_manager="test")
    eventually(lambda: ready() == 2, "both are")


def test_a_container_that_ends_is_restarted_ever_later(api: KubernetesApi, logs: Any) -> None:
    api.create(pod("crashes", python("crash", "import sys; print('so long', flush=True); sys.exit(3)")))

    def loops() -> bool:
        now = container(api, "crashes")
        return now["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff" and now["restartCount"] == 1

    # The first restart is at once, the second 10 s later.
    eventually(loops, "it waits for its second restart")
    assert container(api, "crashes")["lastState"]["terminated"]["exitCode"] == 3
    assert status(api, "crashes")["phase"] == "Running"
    assert logs("crashes", "--previous") == logs("crashes") == "so long\n"
    eventually(lambda: container(api, "crashes")["restartCount"] == 2, "it is restarted after 10 s", 20)


def test_a_liveness_probe_that_fails_restarts_it(api: KubernetesApi) -> None:
    program = "import time; time.sleep(600)"
    alive = {"httpGet": {"port": 8000}, "periodSeconds": 1, "failureThreshold": 2}
    api.create(pod("sick", python("sick", program, livenessProbe=alive), terminationGracePeriodSeconds=1))
    eventually(lambda: container(api, "sick").get("restartCount", 0) >= 1, "it is restarted")
    # It took no notice of SIGTERM: the first process of a container has no default handler.
    assert container(api, "sick")["lastState"]["terminated"]["exitCode"] == 137


def test_what_the_kubelet_does_not_do_is_refused_by_an_event(api: KubernetesApi) -> None:
    api.create(pod("unknown", python("main", "print('hello')"), initContainers=[python("first", "")]))
    why = "not supported in a rehearsal: initContainers"

    def said() -> list[str]:
        return [one["message"] for one in api.list("v1", "Event", namespace=NAMESPACE) if one["type"] == "Warning"]

    eventually(lambda: why in said(), "an event says what it does not do")
    eventually(lambda: why in str(container(api, "unknown")["state"]), "its status says it, too")
    api.delete("v1", "Pod", "unknown", NAMESPACE)
    eventually(lambda: api.get("v1", "Pod", "unknown", NAMESPACE) is None, "it goes like every other", 20)


@pytest.fixture
def metrics(api: KubernetesApi) -> Iterator[None]:
    """The add-on `metrics-server`, as it comes with a cluster."""
    objects = addons.objects("metrics-server", versions.METRICS_SERVER, "")
    in_cluster.bring(api, addons.mark("metrics-server"), objects, manager="test")
    assert in_cluster.waits_for(api, objects, 120) == []
    yield
    in_cluster.bring(api, addons.mark("metrics-server"), [], manager="test")


@pytest.mark.usefixtures("metrics")
def test_metrics_server_says_how_busy_pods_are(api: KubernetesApi, control_plane: RunningControlPlane) -> None:
    meta = {"name": "busy", "namespace": NAMESPACE}
    spec = {"selector": {"slot": "blue"}, "ports": [{"port": 80}]}
    api.create({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})
    requests = {"resources": {"requests": {"cpu": "50m", "memory": "64Mi"}}}
    for slot in ("blue", "green"):
        api.create(pod(slot, {"name": "main", "image": "nothing", **requests}, labels={"slot": slot}))

    def used(slot: str) -> dict[str, str] | None:
        found = api.get("metrics.k8s.io/v1beta1", "PodMetrics", slot, NAMESPACE)
        return found["containers"][0]["usage"] if found else None

    def cpu(slot: str) -> int:
        return round(1000 * parse_quantity((used(slot) or {}).get("cpu", "0")))

    control_plane.layout.load.write_text(json.dumps({f"{NAMESPACE}/busy": 90}))
    eventually(lambda: (cpu("blue"), cpu("green")) == (46, 1), "the pod that the Service leads to uses 90 % and 1m", 90)
    assert (used("blue") or {})["memory"] == "48Mi"
    api.json_patch(
        "v1",
        "Service",
        "busy",
        [{"op": "replace", "path": "/spec/selector/slot", "value": "green"}],
        namespace=NAMESPACE,
    )
    eventually(lambda: (cpu("blue"), cpu("green")) == (1, 46), "the load moves with the Service", 90)
    assert api.get("metrics.k8s.io/v1beta1", "NodeMetrics", NODE)


def test_a_job_completes_and_one_that_fails_is_tried_again(api: KubernetesApi) -> None:
    for name, code in (("works", 0), ("fails", 1)):
        template = {"spec": {"restartPolicy": "Never", "containers": [python("run", f"raise SystemExit({code})")]}}
        spec = {"backoffLimit": 0, "template": template}
        meta = {"name": name, "namespace": NAMESPACE}
        api.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec})

    def told(name: str) -> list[str]:
        job = api.get("batch/v1", "Job", name, NAMESPACE) or {}
        return [one["type"] for one in job.get("status", {}).get("conditions") or () if one["status"] == "True"]

    eventually(lambda: "Complete" in told("works"), "the Job is complete")
    eventually(lambda: "Failed" in told("fails"), "the Job has failed")


def test_a_secret_that_is_not_there_keeps_it_waiting_and_says_so(api: KubernetesApi) -> None:
    volumes = [{"name": "certificates", "secret": {"secretName": "later"}}]
    mounts = [{"name": "certificates", "mountPath": "/certificates"}]
    program = "print(open('/certificates/ca.crt').read())"
    api.create(pod("waits", python("wait", program, volumeMounts=mounts), volumes=volumes, restartPolicy="Never"))

    def said() -> list[str]:
        events = api.list("v1", "Event", namespace=NAMESPACE)
        return [one["message"] for one in events if one["reason"] == "FailedMount"]

    why = 'MountVolume.SetUp failed for volume "certificates" : secret "later" not found'
    eventually(lambda: why in said(), "an event says what is missing")
    assert container(api, "waits")["state"]["waiting"]["reason"] == "ContainerCreating"
    meta = {"name": "later", "namespace": NAMESPACE}
    api.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"ca.crt": "there"}})
    ended(api, "waits")


def test_containers_end_with_the_kubelet_and_are_started_again_by_the_next(
    api: KubernetesApi, control_plane: RunningControlPlane, tools: Toolchain
) -> None:
    api.create(pod("stays", python("stay", "import time; marker = 'stays'; time.sleep(600)")))
    eventually(lambda: "running" in container(api, "stays")["state"], "it runs")
    table = ProcessTable(control_plane.layout.processes)
    (kubelet,) = (one for one in table.running() if one.name == "kubelet")
    psutil.Process(kubelet.pid).kill()
    eventually(lambda: processes("marker = 'stays'") == [], "its process has ended", 10)
    kubernetes.start(control_plane.layout, tools, print)
    eventually(lambda: container(api, "stays")["restartCount"] == 1, "it was started again")
    eventually(lambda: "running" in container(api, "stays")["state"], "it runs")
