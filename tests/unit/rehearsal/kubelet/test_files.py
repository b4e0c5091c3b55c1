"""Volumes have the files that the real kubelet writes; DNS follows the pod's policy."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from kube.client import KubernetesObject
from rehearsal.kubelet import files
from rehearsal.kubelet.environment import MissingError

POD: KubernetesObject = {
    "metadata": {"name": "p", "namespace": "n", "uid": "u"},
    "spec": {"containers": [{"name": "c"}]},
}
OBJECTS: dict[tuple[str, str], KubernetesObject] = {
    ("ConfigMap", "c"): {"data": {"a": "1", "b": "2"}},
    ("Secret", "s"): {"data": {"key": b64encode(b"value").decode()}},
}


def made(**volume: Any) -> dict[str, tuple[bytes, int]]:
    return files.files(
        {"name": "v", **volume},
        POD,
        lambda kind, name: OBJECTS.get((kind, name)),
        lambda audience, seconds: {("aws", 600): "t.o.k"}[audience, seconds],
    )


def test_a_volume_has_the_keys_it_asks_for_at_their_paths_with_their_modes() -> None:
    assert made(secret={"secretName": "s", "defaultMode": 0o440}) == {"key": (b"value", 0o440)}
    items = [{"key": "a", "path": "x/y", "mode": 0o400}]
    assert made(configMap={"name": "c", "items": items}) == {"x/y": (b"1", 0o400)}
    assert made(secret={"secretName": "no", "optional": True}) == {}


def test_a_projected_volume_has_all_its_sources() -> None:
    sources: list[dict[str, Any]] = [
        {"configMap": {"name": "c"}},
        {"serviceAccountToken": {"audience": "aws", "expirationSeconds": 600, "path": "token"}},
        {"downwardAPI": {"items": [{"path": "where", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    assert made(projected={"sources": sources}) == {
        "a": (b"1", 0o644),
        "b": (b"2", 0o644),
        "token": (b"t.o.k", 0o644),
        "where": (b"n", 0o644),
    }


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"secret": {"secretName": "no"}}, 'secret "no" not found'),
        ({"configMap": {"name": "c", "items": [{"key": "z", "path": "z"}]}}, "non-existent configmap key: z"),
    ],
)
def test_what_is_not_there_keeps_the_pod_waiting(volume: dict[str, Any], message: str) -> None:
    with pytest.raises(MissingError, match=message):
        made(**volume)


def test_a_change_of_files_is_seen_as_a_whole_and_what_is_gone_goes(tmp_path: Path) -> None:
    folder = tmp_path / "volume"
    files.write(folder, {"a": (b"1", 0o644), "x/y": (b"2", 0o600)}, None)
    before = (folder / "..data").readlink()
    files.write(folder, {"a": (b"1", 0o644), "x/y": (b"2", 0o600)}, None)
    assert (folder / "..data").readlink() == before
    assert (folder / "x" / "y").stat().st_mode & 0o777 == 0o600
    files.write(folder, {"a": (b"new", 0o644), "b": (b"3", 0o644)}, None)
    assert {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()} == {"a": b"new", "b": b"3"}
    # A file changes with its folder's link: whoever reads two of them sees both old or both new.
    assert (folder / "a").readlink() == Path("..data/a")
    assert (folder / "..data").readlink() != before
    assert not (folder / before).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_pods_group_may_read_its_files(tmp_path: Path) -> None:
    files.write(tmp_path / "volume", {"a": (b"1", 0o400)}, 4321)
    status = (tmp_path / "volume" / "a").stat()
    assert (status.st_gid, status.st_mode & 0o777) == (4321, 0o440)


def conf(**spec: Any) -> list[str]:
    pod = {"metadata": {"namespace": "n"}, "spec": spec}
    return files.resolv_conf(pod, "ec2.internal").splitlines()


def test_names_are_resolved_by_the_clusters_dns_unless_the_policy_says_otherwise() -> None:
    in_cluster = [
        "search n.svc.cluster.local svc.cluster.local cluster.local ec2.internal",
        "nameserver 172.20.0.10",
        "options ndots:5",
    ]
    on_node = ["search ec2.internal", "nameserver 169.254.169.253"]
    assert conf() == conf(dnsPolicy="ClusterFirst") == in_cluster
    assert conf(dnsPolicy="Default") == on_node


def test_hosts_name_the_pod() -> None:
    assert files.hosts({"metadata": {"name": "p"}, "spec": {}}, "100.65.0.1").splitlines()[-1] == "100.65.0.1\tp"
    of_a_set = {"metadata": {"name": "p-0", "namespace": "n"}, "spec": {"hostname": "p-0", "subdomain": "s"}}
    assert files.hosts(of_a_set, "100.65.0.1").splitlines()[-1] == "100.65.0.1\tp-0.s.n.svc.cluster.local\tp-0"
    aliased = {"metadata": {"name": "p"}, "spec": {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a", "b"]}]}}
    assert files.hosts(aliased, "100.65.0.1").splitlines()[-1] == "10.0.0.1\ta\tb"
