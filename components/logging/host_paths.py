"""The admission policy on pods of Fluentd's namespace, whose Pod Security level has to be `privileged`.

It requires what the level `restricted` does, with two exceptions: a pod may run as root, to which log files belong, and
it may mount two directories of its node, one of them read-only. Pod Security cannot allow single paths.
https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

import json

import pulumi

from components.kubernetes import admission_policy

VARIABLES = {
    "pod": "object.spec",
    "containers": "object.spec.containers + object.spec.?initContainers.orValue([])",
    "volumes": "object.spec.?volumes.orValue([])",
}

NO_HOST_NAMESPACES = " && ".join(
    f"!variables.pod.?{name}.orValue(false)" for name in ("hostNetwork", "hostPID", "hostIPC")
)

CONFINED_CONTAINERS = (
    "size(object.spec.?ephemeralContainers.orValue([])) == 0 && variables.containers.all(one, "
    "has(one.securityContext) && !one.securityContext.?privileged.orValue(false) && "
    "one.securityContext.?allowPrivilegeEscalation.orValue(true) == false && "
    "one.securityContext.?readOnlyRootFilesystem.orValue(false) && "
    "one.securityContext.?capabilities.?drop.orValue([]).exists(name, name == 'ALL') && "
    "size(one.securityContext.?capabilities.?add.orValue([])) == 0)"
)

VOLUME_TYPES = ("configMap", "downwardAPI", "emptyDir", "hostPath", "projected", "secret")
"""The volume types of `restricted` that are in use, and `hostPath`."""


def volume_types() -> str:
    """CEL: every volume is of one of `VOLUME_TYPES`."""
    return f"variables.volumes.all(one, {' || '.join(f'has(one.{type_})' for type_ in VOLUME_TYPES)})"


def only_paths(read_only: str, writable: str) -> str:
    """CEL: no other directory of the node is mounted, and the first one read-only.

    Args:
        read_only: Path of the first directory.
        writable: Path of the second directory, which is inside the first one.
    """
    paths = json.dumps([read_only, writable])
    return (
        f"variables.volumes.all(one, !has(one.hostPath) || one.hostPath.path in {paths}) && "
        f"variables.volumes.filter(one, has(one.hostPath) && one.hostPath.path == '{read_only}').all(one, "
        "variables.containers.all(container, container.?volumeMounts.orValue([]).all(mount, "
        "mount.name != one.name || mount.?readOnly.orValue(false))))"
    )


def bind(
    name: str,
    *,
    namespace: pulumi.Input[str],
    read_only: str,
    writable: str,
    opts: pulumi.ResourceOptions | None = None,
) -> pulumi.Resource:
    """Creates the policy and its binding to a namespace.

    Args:
        name: Name of both.
        namespace: Namespace of the binding.
        read_only: Path of the directory that pods may mount read-only.
        writable: Path of the directory that pods may write to, inside the first one.
        opts: Resource options of both.

    Returns:
        The binding, for `depends_on` of pods: the policy is in force once it exists.
    """
    rules = {
        "no namespace of the node's": NO_HOST_NAMESPACES,
        "a read-only root file system, no capability and no further privilege in every container": CONFINED_CONTAINERS,
        f"volumes of these kinds only: {', '.join(VOLUME_TYPES)}": volume_types(),
        f"no directory of the node but {read_only}, for reading only, and {writable}": only_paths(read_only, writable),
    }
    return admission_policy.bind(
        name,
        namespace=namespace,
        variables=VARIABLES,
        rules={f"a pod here has {requirement}": rule for requirement, rule in rules.items()},
        opts=opts,
    )
