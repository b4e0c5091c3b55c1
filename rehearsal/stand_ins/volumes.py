"""Stands in for the EBS driver's controller: makes a PersistentVolume for each claim whose pod has a place.

https://github.com/kubernetes-csi/external-provisioner
"""

from __future__ import annotations

import sys
import time
from typing import Any

from rehearsal.layout import CHECKOUT, DIRECTORY_VARIABLE, Layout
from rehearsal.processes import Program
from release.kubernetes_api import KubernetesApi, KubernetesApiError, KubernetesObject

NAME = "volumes"
DRIVER = "ebs.csi.aws.com"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
ZONE = "topology.kubernetes.io/zone"
MANAGER = "ebs-csi-controller"
SECONDS_BETWEEN = 1.0


def program(layout: Layout, namespace: int | None) -> Program:
    """The program that makes them, for as long as the control plane runs.

    Args:
        layout: The rehearsal.
        namespace: Id of the process in whose network namespace it runs, or None.
    """
    variables = {DIRECTORY_VARIABLE: str(layout.directory), "PYTHONPATH": str(CHECKOUT)}
    command = (sys.executable, "-m", "rehearsal.stand_ins.volumes")
    return Program(NAME, command, layout.logs / f"{NAME}.log", variables, namespace)


def main() -> None:
    """Looks again and again, until it is ended."""
    api = KubernetesApi(Layout.of_environment().kubeconfig)
    while True:
        try:
            look(api)
        except (KubernetesApiError, OSError) as error:
            print(error, flush=True)
        time.sleep(SECONDS_BETWEEN)


def look(api: KubernetesApi) -> None:
    """Makes the volumes that are missing, and deletes those whose claim is gone.

    Raises:
        KubernetesApiError: The API server refuses something.
    """
    ours = {
        one["metadata"]["name"]: one
        for one in api.list("storage.k8s.io/v1", "StorageClass")
        if one["provisioner"] == DRIVER
    }
    for claim in api.list("v1", "PersistentVolumeClaim"):
        node = claim["metadata"].get("annotations", {}).get(SELECTED_NODE)
        kind = ours.get(str(claim["spec"].get("storageClassName")))
        if node and kind and not claim["spec"].get("volumeName"):
            api.apply(volume(claim, kind, api.get("v1", "Node", node) or {}), field_manager=MANAGER)
    for one in api.list("v1", "PersistentVolume"):
        deleted = one["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
        if deleted and one.get("status", {}).get("phase") == "Released":
            api.delete("v1", "PersistentVolume", one["metadata"]["name"])


def volume(claim: KubernetesObject, kind: KubernetesObject, node: KubernetesObject) -> KubernetesObject:
    """The volume of a claim, in the zone of its pod's node."""
    uid = str(claim["metadata"]["uid"])
    zone: Any = node.get("metadata", {}).get("labels", {}).get(ZONE)
    term = {"matchExpressions": [{"key": ZONE, "operator": "In", "values": [zone]}]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"pvc-{uid}"},
        "spec": {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": claim["spec"]["resources"]["requests"],
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "name": claim["metadata"]["name"],
                "namespace": claim["metadata"]["namespace"],
                "uid": uid,
            },
            "csi": {"driver": DRIVER, "volumeHandle": f"vol-{uid.replace('-', '')[:17]}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
            "persistentVolumeReclaimPolicy": kind.get("reclaimPolicy", "Delete"),
            "storageClassName": kind["metadata"]["name"],
        },
    }


if __name__ == "__main__":
    main()
