"""What the pods of Fluentd's namespace may be: Pod Security lets them be anything, since it knows no single path.

Everything that the standard `restricted` asks for, but for two things: a pod may be root, since the files of containers
are root's, and it may mount two directories of its node, one of them for reading only.
https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

import json

import pulumi

from components.kubernetes import pod_policy

VARIABLES = {
    "pod": "object.spec",
    "containers": "object.spec.containers + object.spec.?initContainers.orValue([])",
    "volumes": "object.spec.?volumes.orValue([])",
}

NO_HOST = " && ".join(f"!variables.pod.?{name}.orValue(false)" for name in ("hostNetwork", "hostPID", "hostIPC"))

CONFINED = (
    "size(object.spec.?ephemeralContainers.orValue([])) == 0 && variables.containers.all(one, "
    "has(one.securityContext) && !one.securityContext.?privileged.orValue(false) && "
    "one.securityContext.?allowPrivilegeEscalation.orValue(true) == false && "
    "one.securityContext.?readOnlyRootFilesystem.orValue(false) && "
    "one.securityContext.?capabilities.?drop.orValue([]).exists(name, name == 'ALL') && "
    "size(one.securityContext.?capabilities.?add.orValue([])) == 0)"
)

KINDS = ("configMap", "downwardAPI", "emptyDir", "hostPath", "projected", "secret")
"""Of volumes: those of `restricted` that we use, and directories of the node."""


def kinds_of_volumes() -> str:
    """That every volume is of a kind that is known to hold nothing of others."""
    return f"variables.volumes.all(one, {' || '.join(f'has(one.{kind})' for kind in KINDS)})"


def only_paths(read: str, written: str) -> str:
    """That no other directory of the node is mounted, and the first one for reading only.

    Args:
        read: The directory that is read.
        written: The directory in it that is written to.
    """
    return (
        f"variables.volumes.all(one, !has(one.hostPath) || one.hostPath.path in {json.dumps([read, written])}) && "
        f"variables.volumes.filter(one, has(one.hostPath) && one.hostPath.path == '{read}').all(one, "
        "variables.containers.all(container, container.?volumeMounts.orValue([]).all(mount, "
        "mount.name != one.name || mount.?readOnly.orValue(false))))"
    )


def bind(
    name: str, *, namespace: pulumi.Input[str], read: str, written: str, opts: pulumi.ResourceOptions | None = None
) -> pulumi.Resource:
    """Makes the policy and binds it to a namespace.

    Args:
        name: Of both.
        namespace: Where it holds.
        read: The directory that is read.
        written: The directory in it that is written to.
        opts: Of both.

    Returns:
        The binding: what is to be held by it comes after it.
    """
    rules = {
        "no namespace of the node's": NO_HOST,
        "a read-only root file system, no capability and no further privilege in every container": CONFINED,
        f"volumes of these kinds only: {', '.join(KINDS)}": kinds_of_volumes(),
        f"no directory of the node but {read}, for reading only, and {written}": only_paths(read, written),
    }
    return pod_policy.bind(
        name,
        namespace=namespace,
        variables=VARIABLES,
        rules={f"a pod here has {what}": rule for what, rule in rules.items()},
        opts=opts,
    )
