"""Emulator of the EBS CSI driver: a PersistentVolume for each claim whose pod has been scheduled, and its growth.

https://github.com/kubernetes-csi/external-provisioner, https://github.com/kubernetes-csi/external-resizer
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]

from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject
from rehearsal import aws, watch
from rehearsal.layout import Layout

DRIVER = "ebs.csi.aws.com"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
ZONE = "topology.kubernetes.io/zone"
NAME_TAG = "CSIVolumeName"
MANAGER = "ebs-csi-controller"
WATCHED = (
    ("storage.k8s.io/v1", "StorageClass"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "PersistentVolume"),
)
RETRY_SECONDS = 1.0
"""Seconds before it tries again what failed."""

COOLDOWN = timedelta(hours=6)
"""Time between two modifications of an EBS volume.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVolume.html
"""


async def provision(layout: Layout) -> None:
    """Provisions volumes whenever something of `WATCHED` has changed, until it is cancelled."""
    api, loop, changed = KubernetesApi(layout.kubeconfig), asyncio.get_running_loop(), asyncio.Event()
    for version, kind in WATCHED:
        watch.start(api, kind, lambda _key, _body: changed.set(), loop, version=version)
    while True:
        await changed.wait()
        changed.clear()
        try:
            await asyncio.to_thread(reconcile, api, lambda zone: aws.client(layout, "ec2", region=aws.region_of(zone)))
        except (KubernetesApiError, OSError, BotoCoreError, ClientError) as error:
            print(error, flush=True)
            await asyncio.sleep(RETRY_SECONDS)
            changed.set()


def reconcile(api: KubernetesApi, ec2: Callable[[str], Any]) -> None:
    """Creates missing volumes, lets volumes grow, and deletes released ones whose reclaim policy is `Delete`.

    Args:
        api: The API server.
        ec2: Gives the client of a zone's region.

    Raises:
        KubernetesApiError: The API server refuses a request.
        ClientError: EC2 refuses a request.
    """
    classes = {
        storage_class["metadata"]["name"]: storage_class
        for storage_class in api.list("storage.k8s.io/v1", "StorageClass")
        if storage_class["provisioner"] == DRIVER
    }
    claims = api.list("v1", "PersistentVolumeClaim")
    for claim in claims:
        node = claim["metadata"].get("annotations", {}).get(SELECTED_NODE)
        storage_class = classes.get(str(claim["spec"].get("storageClassName")))
        if node and storage_class and not claim["spec"].get("volumeName"):
            zone = str((api.get("v1", "Node", node) or {})["metadata"]["labels"][ZONE])
            volume = persistent_volume(claim, storage_class, zone, ensure_volume(ec2(zone), claim, storage_class, zone))
            api.apply(volume, field_manager=MANAGER)
    for volume in api.list("v1", "PersistentVolume"):
        is_deleted = volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
        if is_deleted and volume.get("status", {}).get("phase") == "Released":
            ec2(zone_of(volume)).delete_volume(VolumeId=volume["spec"]["csi"]["volumeHandle"])
            api.delete("v1", "PersistentVolume", volume["metadata"]["name"])
    for claim in claims:
        storage_class = classes.get(str(claim["spec"].get("storageClassName")), {})
        if storage_class.get("allowVolumeExpansion") and is_to_grow(claim):
            grow(api, ec2, claim)


def ensure_volume(ec2: Any, claim: KubernetesObject, storage_class: KubernetesObject, zone: str) -> str:
    """Creates a claim's EBS volume with its StorageClass' tags unless it exists, and returns its id.

    An existing volume is found by its tag: https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/tagging.md
    """
    name = f"pvc-{claim['metadata']['uid']}"
    existing = ec2.describe_volumes(Filters=[{"Name": f"tag:{NAME_TAG}", "Values": [name]}])["Volumes"]
    if existing:
        return str(existing[0]["VolumeId"])
    size = requested_gib(claim)
    tags = [{"Key": key, "Value": value} for key, value in {NAME_TAG: name, **class_tags(claim, storage_class)}.items()]
    volume = ec2.create_volume(
        AvailabilityZone=zone,
        Size=size,
        TagSpecifications=[{"ResourceType": "volume", "Tags": tags}],
        **encryption(storage_class),
    )
    return str(volume["VolumeId"])


def requested_gib(claim: KubernetesObject) -> int:
    """The size that a claim requests, in GiB."""
    return int(str(claim["spec"]["resources"]["requests"]["storage"]).removesuffix("Gi"))


def is_to_grow(claim: KubernetesObject) -> bool:
    """Whether a bound claim requests more than it has."""
    has = claim.get("status", {}).get("capacity", {}).get("storage")
    return has is not None and requested_gib(claim) > int(str(has).removesuffix("Gi"))


def grow(api: KubernetesApi, ec2: Callable[[str], Any], claim: KubernetesObject) -> None:
    """Lets an EBS volume, its PersistentVolume and its file system, which is mounted, grow to what the claim requests.

    Raises:
        ClientError: EC2 refuses the modification: it has modified the volume within `COOLDOWN`.
    """
    name, size = str(claim["spec"]["volumeName"]), claim["spec"]["resources"]["requests"]["storage"]
    volume = api.get("v1", "PersistentVolume", name) or {}
    if volume["spec"]["capacity"]["storage"] != size:
        volume_id = volume["spec"]["csi"]["volumeHandle"]
        client = ec2(zone_of(volume))
        refuse_too_soon(client.describe_volumes_modifications(VolumeIds=[volume_id])["VolumesModifications"])
        client.modify_volume(VolumeId=volume_id, Size=requested_gib(claim))
        api.json_patch(
            "v1",
            "PersistentVolume",
            name,
            [{"op": "replace", "path": "/spec/capacity/storage", "value": size}],
            field_manager=MANAGER,
        )
    metadata: dict[str, str] = claim["metadata"]
    status: KubernetesObject = {"status": {"capacity": {"storage": size}}}
    api.subresource("patch", "PersistentVolumeClaim/status", metadata["name"], metadata["namespace"], status)


def refuse_too_soon(modifications: Sequence[Mapping[str, Any]], now: datetime | None = None) -> None:
    """Refuses another modification of a volume within `COOLDOWN`, as EC2 does and moto does not.

    Raises:
        ClientError: The last one is too recent.
    """
    last = max((one["StartTime"] for one in modifications), default=None)
    if last is not None and (now or datetime.now(UTC)) - last < COOLDOWN:
        message = (
            "You've reached the maximum modification rate per volume limit. Wait at least 6 hours between "
            "modifications per EBS volume."
        )
        raise ClientError({"Error": {"Code": "VolumeModificationRateExceeded", "Message": message}}, "ModifyVolume")


def encryption(storage_class: KubernetesObject) -> dict[str, Any]:
    """The encryption that a StorageClass asks of EC2.

    https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/parameters.md
    """
    parameters: dict[str, str] = storage_class.get("parameters") or {}
    key = {"KmsKeyId": parameters["kmsKeyId"]} if "kmsKeyId" in parameters else {}
    return {"Encrypted": parameters.get("encrypted") == "true", **key}


def class_tags(claim: KubernetesObject, storage_class: KubernetesObject) -> dict[str, str]:
    """The tags that a StorageClass gives to a claim's volume, by its parameters `tagSpecification_N`."""
    fields = {"PVCNamespace": claim["metadata"]["namespace"], "PVCName": claim["metadata"]["name"]}
    parameters: dict[str, str] = storage_class.get("parameters") or {}
    tags = (value.partition("=") for key, value in parameters.items() if key.startswith("tagSpecification_"))
    return {key: re.sub(r"{{ *\.(\w+) *}}", lambda field: str(fields[field[1]]), value) for key, _, value in tags}


def persistent_volume(
    claim: KubernetesObject, storage_class: KubernetesObject, zone: str, volume_id: str
) -> KubernetesObject:
    """The PersistentVolume of a claim: an EBS volume in a zone."""
    uid = str(claim["metadata"]["uid"])
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
            "csi": {"driver": DRIVER, "volumeHandle": volume_id},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
            "storageClassName": storage_class["metadata"]["name"],
        },
    }


def zone_of(volume: KubernetesObject) -> str:
    """The zone of a PersistentVolume's EBS volume."""
    (term,) = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    return str(term["matchExpressions"][0]["values"][0])


if __name__ == "__main__":
    asyncio.run(provision(Layout.of_environment()))
