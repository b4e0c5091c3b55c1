"""Pods that this kubelet runs, and their users."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

import versions
from rehearsal import demo_images
from rehearsal.kubelet import identity, images, sandbox
from rehearsal.kubelet.images import Image
from tests.unit.rehearsal.emulators.aws.test_addons import made

PROGRAMS = {name: f"/{name}" for name in images.BUILT}


def pod(*references: str, **more: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "c", "image": one} for one in references], **more}}


@pytest.mark.parametrize(
    ("reference", "ours"),
    [
        (versions.PYTHON_IMAGE, True),
        (f"docker.elastic.co/eck/eck-operator:{versions.ECK_CHART}", True),
        ("602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/coredns:v1.12.4-eksbuild.1", True),
        ("public.ecr.aws/eks/aws-load-balancer-controller:v3.3.0", True),
        (f"111122223333.dkr.ecr.ap-northeast-2.amazonaws.com/hello-dev/agent@sha256:{'0' * 64}", True),
        (f"111122223333.dkr.ecr.ap-northeast-2.amazonaws.com/hello-dev/agent-x@sha256:{'0' * 64}", False),
        ("docker.elastic.co/eck/eck-operator-ubi:3.5.0", False),
        ("docker.elastic.co.example.com/eck/eck-operator:3.5.0", False),
        ("dockerXelastic.co/eck/eck-operator:3.5.0", False),
        ("602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/kube-proxy:v1", False),
    ],
)
def test_an_image_is_known_by_its_whole_repository(reference: str, ours: bool) -> None:
    assert images.is_ours(pod(reference)) is ours
    expression = re.search(r'test\("([^"]*)"\)', images.OURS)
    assert expression
    assert bool(re.match(expression[1], reference)) is ours


def test_a_pod_runs_only_if_all_its_containers_do() -> None:
    assert not images.is_ours(pod(versions.PYTHON_IMAGE, "nginx"))
    assert not images.is_ours(pod(versions.PYTHON_IMAGE, initContainers=[{"name": "i", "image": "nginx"}]))


DEMO = f"111122223333.dkr.ecr.ap-northeast-2.amazonaws.com/hello-dev/api:v2@{demo_images.digest('v2')}"
JOB = {"labels": {"batch.kubernetes.io/job-name": "api-beforeswitch-1"}}


def test_of_demo_images_only_jobs_run() -> None:
    assert not images.is_ours(pod(DEMO))
    assert images.is_ours({**pod(DEMO), "metadata": JOB})
    assert not images.is_ours({**pod(DEMO.replace("de30", "de31")), "metadata": JOB})
    assert not images.is_ours({**pod(DEMO, "nginx"), "metadata": JOB})


@pytest.mark.parametrize(
    ("command", "code", "written"),
    [
        (["sh", "-c", "echo $VERSION; exit 3"], 3, "v2\n"),
        (["./manage", "migrate"], 0, "A demo image has no ./manage: in a rehearsal this succeeds, and does nothing\n"),
    ],
)
def test_a_demo_image_runs_what_this_machine_has(command: list[str], code: int, written: str) -> None:
    image = images.image(DEMO, PROGRAMS)
    ran = subprocess.run(
        [*image.prefix, *command],
        env={"PATH": images.PATH, **image.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, written, "")


def test_the_add_ons_dns_server_is_one() -> None:
    server = made("coredns")["Deployment", "coredns"]["spec"]["template"]
    assert images.is_ours(server)
    assert images.image(server["spec"]["containers"][0]["image"], PROGRAMS).entrypoint == ("/coredns",)


@pytest.mark.parametrize(
    ("pods", "own", "expected"),
    [
        ({}, {}, ["--reuid=65532", "--regid=65532", "--clear-groups"]),
        ({"runAsUser": 1000}, {}, ["--reuid=1000", "--regid=0", "--clear-groups"]),
        ({"runAsUser": 1000, "runAsGroup": 2, "fsGroup": 3}, {}, ["--reuid=1000", "--regid=2", "--groups=3"]),
        ({"runAsUser": 1000}, {"runAsUser": 5}, ["--reuid=5", "--regid=0", "--clear-groups"]),
    ],
)
def test_a_container_runs_as_whom_its_own_context_its_pods_or_its_image_says(
    monkeypatch: pytest.MonkeyPatch, pods: dict[str, Any], own: dict[str, Any], expected: list[str]
) -> None:
    monkeypatch.setattr(sandbox, "maps", bool)
    made = sandbox.become({"securityContext": pods}, {"securityContext": own}, Image(user=65532))
    assert [*made[3:]] == [*expected, "--"]


def test_root_is_refused_where_it_must_not_be() -> None:
    with pytest.raises(PermissionError, match="image will run as root"):
        sandbox.become({"securityContext": {"runAsNonRoot": True}}, {}, Image())


def test_what_a_container_drops_it_does_not_have() -> None:
    context = {"capabilities": {"drop": ["ALL"]}, "allowPrivilegeEscalation": False}
    command = sandbox.become({}, {"securityContext": context}, Image())
    assert {"--bounding-set=-all", "--no-new-privs"} <= set(command)
    assert not {"--bounding-set=-all", "--no-new-privs"} & set(sandbox.become({}, {}, Image()))


def test_pods_of_an_associated_account_get_what_eks_injects() -> None:
    given = pod(versions.PYTHON_IMAGE)
    given["spec"]["containers"][0]["env"] = [{"name": "AWS_REGION", "value": "own"}]
    spec = identity.injected(given, "ap-northeast-2")["spec"]
    variables = {one["name"]: one["value"] for one in spec["containers"][0]["env"]}
    assert variables == {
        "AWS_REGION": "own",
        "AWS_DEFAULT_REGION": "ap-northeast-2",
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": (
            "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token"
        ),
    }
    (volume,) = spec["volumes"]
    (mount,) = spec["containers"][0]["volumeMounts"]
    assert volume["name"] == mount["name"]
    assert volume["projected"]["sources"][0]["serviceAccountToken"]["audience"] == "pods.eks.amazonaws.com"
    assert "volumes" not in given["spec"]
