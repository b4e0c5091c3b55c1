"""Fields that cannot be changed in place: a change of one replaces the object.

The table is the real provider's: Kubernetes has no list of immutable fields.
https://github.com/pulumi/pulumi-kubernetes/blob/v4.29.0/provider/pkg/provider/diff.go
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from rehearsal.stand_ins.kubernetes.paths import Path, parse
from release.kubernetes_api import KubernetesObject

_IDENTITY = ("metadata.name", "metadata.namespace")
_WORKLOAD = ("spec.selector",)
_STATEFUL_SET = (
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
)
_JOB = ("spec.completions", "spec.parallelism", "spec.selector", "spec.template")
_VOLUME_SOURCES = (
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "hostPath",
    "iscsi",
    "local",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
)
_POD_SPEC = (
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostname",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "volumes",
)
_CONTAINER = (
    "args",
    "command",
    "env",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
)

_BY_KIND: dict[tuple[str, str], tuple[str, ...]] = {
    ("apps/v1", "DaemonSet"): _WORKLOAD,
    ("apps/v1", "Deployment"): _WORKLOAD,
    ("apps/v1", "StatefulSet"): _STATEFUL_SET,
    ("batch/v1", "Job"): _JOB,
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): ("roleRef",),
    ("storage.k8s.io/v1", "StorageClass"): ("parameters", "provisioner"),
    ("v1", "PersistentVolume"): tuple(f"spec.{source}" for source in _VOLUME_SOURCES),
    ("v1", "PersistentVolumeClaim"): (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeName",
    ),
    ("v1", "Pod"): (
        *(f"spec.{field}" for field in _POD_SPEC),
        *(f"spec.{kind}[*].{field}" for kind in ("containers", "initContainers") for field in _CONTAINER),
    ),
    ("v1", "ResourceQuota"): ("spec.scopes",),
    ("v1", "Service"): ("spec.clusterIP",),
}


@dataclass(frozen=True)
class Mutability:
    """The provider's options on what is replaced rather than changed.

    Attributes:
        config_maps: A ConfigMap's data changes in place, unless the object says `immutable`.
        secrets: Likewise a Secret's.
    """

    config_maps: bool = False
    secrets: bool = False


def replacing_fields(inputs: KubernetesObject, mutability: Mutability) -> tuple[Path, ...]:
    """The fields of this object whose change replaces it."""
    api_version, kind = str(inputs.get("apiVersion", "")), str(inputs.get("kind", ""))
    frozen = inputs.get("immutable") is True
    fields = _BY_KIND.get((api_version, kind), ())
    if (api_version, kind) == ("v1", "Secret") and (frozen or not mutability.secrets):
        fields = ("type", "stringData", "data")
    elif (api_version, kind) == ("v1", "Secret"):
        fields = ("type",)
    elif (api_version, kind) == ("v1", "ConfigMap") and (frozen or not mutability.config_maps):
        fields = ("binaryData", "data")
    return tuple(parse(field) for field in (*_IDENTITY, *fields))


def touches(path: Path, value: Any, field: Path) -> bool:
    """Whether a change to `value` at `path` reaches `field`: is inside it, or brings it along."""
    for index, step in enumerate(field):
        if index < len(path):
            if step not in ("*", path[index]):
                return False
        else:
            return _has(value, field[index:])
    return True


def _has(value: Any, field: Path) -> bool:
    if not field:
        return True
    if field[0] == "*":
        return isinstance(value, list) and any(_has(item, field[1:]) for item in cast("list[Any]", value))
    return isinstance(value, dict) and field[0] in value and _has(cast("dict[Any, Any]", value)[field[0]], field[1:])
