"""Runs a pod's container as a node does: by runc, as the manifest says, on a network that this machine is on, too.

What containerd makes of it: https://github.com/containerd/containerd/tree/v2.2.0/internal/cri/server. Left out are
seccomp and AppArmor, as if all were `Unconfined` (containerd's own profiles are in no package), probes, and limits.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

RANGE = ipaddress.ip_network("198.19.0.0/16")
"""For tests of networks: no host of anybody's has an address in it. https://www.rfc-editor.org/rfc/rfc2544"""

PodSpec = Mapping[str, Any]
"""A pod's `spec`, as a manifest has it."""


def run(*command: str | Path) -> str:
    """What a program writes.

    Raises:
        RuntimeError: It failed.
    """
    found = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if found.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {found.stderr.strip() or found.stdout.strip()}")
    return found.stdout


@dataclass(frozen=True, kw_only=True)
class Image:
    """An unpacked image: https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md.

    Attributes:
        root: Folder of its files.
        entrypoint: What a manifest's `args` are given to.
        command: What stands in for `args` where a manifest has none.
        environment: Its variables.
        directory: Where its program starts.
        files: What of this machine stands in for files of its own, by their path in it; they are read only.
    """

    root: Path
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    directory: str = "/"
    files: Mapping[str, Path] = field(default_factory=dict[str, Path])


@dataclass
class Network:
    """A bridge of this machine; each container on it has an address.

    Attributes:
        gateway: This machine's own address on it.
    """

    gateway: str = ""

    def __enter__(self) -> Self:
        taken = [
            ipaddress.ip_network((one["local"], one["prefixlen"]), strict=False)
            for link in json.loads(run("ip", "-json", "-4", "address"))
            for one in link["addr_info"]
        ]
        subnet = next(one for one in RANGE.subnets(new_prefix=24) if not any(one.overlaps(other) for other in taken))
        self._free = subnet.hosts()
        self.gateway = self.address()
        self._bridge = f"hello{uuid.uuid4().hex[:8]}"
        run("ip", "link", "add", self._bridge, "type", "bridge")
        run("ip", "address", "add", f"{self.gateway}/{subnet.prefixlen}", "dev", self._bridge)
        run("ip", "link", "set", self._bridge, "up")
        return self

    def __exit__(self, *_: object) -> None:
        run("ip", "link", "delete", self._bridge)

    @contextmanager
    def limited(self, ports: Sequence[int]) -> Generator[None]:
        """Meanwhile containers reach these ports of this machine only, and what they talk to already."""
        table, allowed = f"inet {self._bridge}", ", ".join(map(str, ports))
        rules = "".join(
            f'iifname "{self._bridge}" {rule};'
            for rule in ("ct state established,related accept", f"tcp dport {{ {allowed} }} accept", "drop")
        )
        run("nft", f"table {table} {{ chain limited {{ type filter hook input priority 0; {rules} }}; }}")
        try:
            yield
        finally:
            run("nft", f"delete table {table}")

    def address(self) -> str:
        """An address that nobody on it has."""
        return str(next(self._free))

    def attach(self, process: int) -> str:
        """Puts the network namespace of a process on it; its address."""
        inside, outside, address = f"c{process}", f"h{process}", self.address()
        run("ip", "link", "add", outside, "master", self._bridge, "type", "veth", "peer", inside, "netns", str(process))
        run("ip", "link", "set", outside, "up")
        for words in (
            ("address", "add", f"{address}/24", "dev", inside),
            ("link", "set", inside, "up"),
            ("link", "set", "lo", "up"),
            ("route", "add", "default", "via", self.gateway),
        ):
            run("nsenter", f"--net=/proc/{process}/ns/net", "ip", *words)
        return address


def volumes(pod: PodSpec, secrets: Mapping[str, Mapping[str, str]], folder: Path) -> dict[str, Path]:
    """Makes a pod's volumes, owned as `fsGroup` says: https://kubernetes.io/docs/concepts/storage/volumes/.

    Args:
        pod: Its volumes are of the kinds `configMap`, `emptyDir` and `secret`.
        secrets: The content of Secrets and ConfigMaps, by their names.
        folder: Where they are made.

    Returns:
        Folders by the volumes' names.
    """
    group = pod["securityContext"]["fsGroup"]
    made = {one["name"]: folder / one["name"] for one in pod["volumes"]}
    for one in pod["volumes"]:
        path = made[one["name"]]
        path.mkdir(parents=True)
        run("chgrp", str(group), path)
        path.chmod(0o2777)
        if "secret" in one:
            for name, text in secrets[one["secret"]["secretName"]].items():
                file = path / name
                file.touch(mode=0o600)
                file.write_text(text, encoding="utf-8")
                run("chgrp", str(group), file)
                file.chmod(one["secret"]["defaultMode"])
        elif "configMap" in one:
            for name, text in secrets[one["configMap"]["name"]].items():
                (path / name).write_text(text, encoding="utf-8")
        else:
            assert "emptyDir" in one, one
    return made


def configuration(
    base: Mapping[str, Any],
    pod: PodSpec,
    image: Image,
    *,
    volumes: Mapping[str, Path],
    environment: Mapping[str, str],
    own_network: bool = True,
) -> dict[str, Any]:
    """The runtime's configuration of a pod's only container. Pure.

    https://github.com/opencontainers/runtime-spec/blob/v1.0.2/config.md

    Args:
        base: What `runc spec` writes.
        pod: The pod.
        image: The container's.
        volumes: Folders by the volumes' names.
        environment: Its variables, beside the image's.
        own_network: Whether it is in a network namespace of its own.

    Raises:
        ValueError: It has capabilities that this does not know to give.
    """
    (container,) = pod["containers"]
    of_pod, of_container = pod["securityContext"], container["securityContext"]
    capabilities = of_container["capabilities"]
    if capabilities["drop"] != ["ALL"]:
        raise ValueError(f"{container['name']} keeps what a runtime gives by default, which is not known here")
    given = [f"CAP_{one}" for one in capabilities.get("add", [])]
    command = container.get("command") or image.entrypoint
    arguments: Sequence[str] = container.get("args") or ([] if container.get("command") else image.command)
    variables = {**image.environment, **environment}
    bound = {path: (source, "ro") for path, source in image.files.items()}
    for mount in container["volumeMounts"]:
        bound[mount["mountPath"]] = volumes[mount["name"]], "ro" if mount.get("readOnly") else "rw"
    namespaces = [one for one in base["linux"]["namespaces"] if own_network or one["type"] != "network"]
    return {
        **base,
        "process": {
            "terminal": False,
            "user": {
                "uid": of_pod["runAsUser"],
                "gid": of_pod["runAsGroup"],
                "additionalGids": [of_pod["fsGroup"]],
            },
            "args": [*command, *arguments],
            "env": [f"{name}={value}" for name, value in variables.items()],
            "cwd": image.directory,
            # Of a user that is not root they are the bounds of what a setuid program gets.
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), given),
            "noNewPrivileges": not of_container["allowPrivilegeEscalation"],
        },
        "root": {"path": str(image.root), "readonly": of_container.get("readOnlyRootFilesystem", False)},
        "hostname": container["name"],
        "mounts": [
            *base["mounts"],
            *(
                {"destination": path, "type": "bind", "source": str(source), "options": ["rbind", mode]}
                for path, (source, mode) in bound.items()
            ),
        ],
        "linux": {**base["linux"], "namespaces": namespaces},
    }


@dataclass
class Container:
    """A pod's only container, while it runs.

    Attributes:
        pod: The pod.
        image: Its image.
        folder: Empty: for its volumes, its log and the runtime's state.
        network: Where it has an address; without one it has this machine's network.
        secrets: The content of the Secrets and ConfigMaps that are its volumes.
        environment: Its variables, beside the image's.
        address: Its own on the network.
    """

    pod: PodSpec
    image: Image
    folder: Path
    network: Network | None = None
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    address: str = ""

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return (self.folder / "log").read_text(encoding="utf-8")

    def __enter__(self) -> Self:
        self.folder.mkdir(exist_ok=True)
        self._id = f"hello-{uuid.uuid4().hex[:12]}"
        run("runc", "spec", "--bundle", self.folder)
        file = self.folder / "config.json"
        content = configuration(
            json.loads(file.read_text(encoding="utf-8")),
            self.pod,
            self.image,
            volumes=volumes(self.pod, self.secrets, self.folder / "volumes"),
            environment=self.environment,
            own_network=self.network is not None,
        )
        file.write_text(json.dumps(content, indent=1), encoding="utf-8")
        with ExitStack() as failed, (self.folder / "log").open("wb") as log:
            command = [*self._runc, "create", "--bundle", str(self.folder), self._id]
            created = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
            failed.callback(self._delete)
            if created.returncode:
                raise RuntimeError(f"{' '.join(command)}: {self.log}")
            if self.network:
                self.address = self.network.attach(json.loads(run(*self._runc, "state", self._id))["pid"])
            run(*self._runc, "start", self._id)
            failed.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._delete()

    @property
    def ended(self) -> bool:
        """Whether its program did."""
        return json.loads(run(*self._runc, "state", self._id))["status"] == "stopped"

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a program in it, as `kubectl exec` and a probe do."""
        words = self.execution(*command)
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def execution(
        self, *command: str, directory: str = "/", environment: Mapping[str, str] = MappingProxyType({})
    ) -> list[str]:
        """What runs a program in it."""
        variables = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        return [*self._runc, "exec", "--cwd", directory, *variables, self._id, *command]

    @property
    def _runc(self) -> tuple[str, ...]:
        return "runc", "--root", str(self.folder / "runc")

    def _delete(self) -> None:
        run(*self._runc, "delete", "--force", self._id)
