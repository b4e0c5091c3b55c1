"""The destroy of a used stack, and its second creation, after all other tests with the fixture `platform`."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial

import psutil
import yaml

from kube.client import KubernetesApi
from rehearsal import aws, control_plane, leftovers
from rehearsal.emulators.aws import protection
from rehearsal.emulators.aws.account import Account
from rehearsal.layout import Layout
from rehearsal.lifecycle import Rehearsal
from rehearsal.processes import ProcessTable
from tests.rehearsal.conftest import eventually
from tests.rehearsal.stacks import ON_PROD, ONE_STACK, Recorder, run_up
from tools.program.graph import every

INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
CONTROLLER_NAME = "aws-load-balancer-controller"
CONTROLLER = f"kubernetes:helm.sh/v3:Release::{CONTROLLER_NAME}"

SECONDS_TO_ACT = 20
"""With a route, the controller takes less than five to let go of an Ingress."""


@ON_PROD
def test_a_controller_that_no_route_leads_to_aws_keeps_its_ingress(platform: Rehearsal) -> None:
    """So a destroy that takes routes away before Ingresses would not end."""
    layout, api = platform.layout, platform.api()
    ec2 = aws.client(layout, "ec2", region=aws.region(layout))
    taken = [
        {"RouteTableId": table["RouteTableId"], "NatGatewayId": route["NatGatewayId"]}
        for table in ec2.describe_route_tables()["RouteTables"]
        for route in table["Routes"]
        if "NatGatewayId" in route
    ]
    for one in taken:
        ec2.delete_route(RouteTableId=one["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")
    try:
        api.delete("networking.k8s.io/v1", "Ingress", "prod", "prod")
        time.sleep(SECONDS_TO_ACT)
        kept = api.get("networking.k8s.io/v1", "Ingress", "prod", "prod")
        assert kept is not None
        assert kept["metadata"]["finalizers"] == ["group.ingress.k8s.aws/public"]
    finally:
        for one in taken:
            ec2.create_route(DestinationCidrBlock="0.0.0.0/0", **one)
    eventually(
        lambda: api.get("networking.k8s.io/v1", "Ingress", "prod", "prod") is None, "the Ingress is gone", seconds=120
    )


def use(layout: Layout) -> None:
    """Leaves in the account what a stack in use leaves: images, logs, old versions of objects."""
    client = partial(aws.client, layout, region=aws.region(layout))
    ecr, s3, logs = client("ecr"), client("s3"), client("logs")
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"})
    for repository in every(ecr.describe_repositories()["repositories"]):
        ecr.put_image(repositoryName=repository["repositoryName"], imageManifest=manifest, imageTag="release-1")
    for bucket in every(one["Name"] for one in s3.list_buckets()["Buckets"]):
        # moto takes the condition of a policy's Deny for met: that of requests without TLS holds for all.
        policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
        s3.delete_bucket_policy(Bucket=bucket)
        for content in (b"old", b"new"):
            s3.put_object(Bucket=bucket, Key="used", Body=content)
        s3.delete_object(Bucket=bucket, Key="used")
        s3.put_object(Bucket=bucket, Key="kept", Body=b"used")
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    for group in every(logs.describe_log_groups()["logGroups"]):
        stream = {"logGroupName": group["logGroupName"], "logStreamName": "used"}
        logs.create_log_stream(**stream)
        logs.put_log_events(**stream, logEvents=[{"timestamp": int(time.time() * 1000), "message": "used"}])


def let_go(platform: Rehearsal) -> None:
    """What comes before the destroy of a protected stack, in which AWS keeps repositories and buckets that are used."""
    file = platform.layout.workspace / f"Pulumi.{platform.stack}.yaml"
    content = yaml.safe_load(file.read_text())
    # The engine writes it as a text where it has set a secret.
    if str(content["config"]["hello-platform:protect"]).lower() == "true":
        content["config"]["hello-platform:protect"] = False
        file.write_text(yaml.safe_dump(content))
        assert set(run_up(platform).values()) == {"update"}


@contextmanager
def controller_that_starts_anew(api: KubernetesApi) -> Generator[None]:
    """As when its node leaves in a destroy: a new process finds Ingresses to take down, and knows nothing else."""

    def scale(replicas: int) -> None:
        change = {"op": "replace", "path": "/spec/replicas", "value": replicas}
        api.json_patch("apps/v1", "Deployment", CONTROLLER_NAME, [change], namespace="kube-system")

    def start() -> None:
        ingresses = partial(api.list, "networking.k8s.io/v1", "Ingress")
        eventually(lambda: all("deletionTimestamp" in one["metadata"] for one in ingresses()), "all are to go")
        scale(1)

    pods = partial(api.list, "v1", "Pod", label_selector=f"app.kubernetes.io/name={CONTROLLER_NAME}")
    scale(0)
    eventually(lambda: pods() == [], "no controller is there")
    with ThreadPoolExecutor() as beside:
        started = beside.submit(start)
        yield
        started.result()


def test_a_destroy_of_a_used_stack_leaves_nothing_in_the_account(platform: Rehearsal) -> None:
    layout = platform.layout
    use(layout)
    let_go(platform)
    platform.open().unprotect()
    protection.lift(layout)
    recorder = Recorder()
    with controller_that_starts_anew(platform.api()) if platform.stack == "dev" else nullcontext():
        platform.open().destroy(recorder)

    order = list(recorder.operations)
    ingresses = [place for place, name in enumerate(order) if name.startswith(INGRESS)]
    node_groups = [place for place, name in enumerate(order) if name.startswith("aws:eks/nodeGroup")]
    assert max(ingresses) < order.index(CONTROLLER) < min(node_groups)
    assert platform.open().resources() == []
    assert Account.load(layout).records() == ()
    assert leftovers.in_account(layout, aws.region(layout)) == []
    api = platform.api()
    assert {one["metadata"]["name"] for one in api.list("v1", "Namespace")} == leftovers.SYSTEM_NAMESPACES
    assert api.list("v1", "Node") == []
    assert api.list("v1", "Pod") == []
    assert api.list("networking.k8s.io/v1", "IngressClass") == []


@ONE_STACK
def test_a_used_and_destroyed_stack_is_made_again_in_the_same_account(platform: Rehearsal) -> None:
    recorder = Recorder()
    platform.open().up(recorder)
    assert recorder.errors == []
    assert set(recorder.operations.values()) == {"create"}
    assert any(name.startswith("aws:cloudwatch/logGroup") for name in recorder.operations)


def test_down_leaves_nothing(platform: Rehearsal) -> None:
    layout = platform.layout
    processes = [psutil.Process(record.pid) for record in ProcessTable(layout.processes).running()]
    assert len(processes) >= len(control_plane.TRAFFIC)
    platform.down()
    assert not layout.directory.exists()
    assert [process for process in processes if process.is_running()] == []
