"""The programs that are built from Go modules (`tools.yaml`). Their versions are in the `go.mod` files only."""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

MODULES = Path(__file__).parent / "go"


@dataclass(frozen=True)
class GoTool:
    """A program that is built with a Go module in `go/`, which pins its version.

    Attributes:
        name: Name of the program.
        module: Import path of the program's own Go module.
        package: Folder of the main package in that module, empty for its root; None if the main package is in `go/`.
        minutes: Approximate time of a build on two idle cores without a cache (half its CPU time).
        module_of_ours: Folder in `go/`, if it is not `name`. Programs with the same versions of libraries share one, so
            that common packages are compiled once.
        version_variable: Go variable to set to the program's version, or None.
        version_prefix: Prefix of the version in that variable.
        tags: Build tags, separated by commas.
        links: Names of links to the program.
        data: Files and folders of the program's module to copy into `data/` beside the program.
    """

    name: str
    module: str
    package: str | None
    minutes: float
    module_of_ours: str = ""
    version_variable: str | None = None
    version_prefix: str = ""
    tags: str = ""
    links: tuple[str, ...] = ()
    data: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder of `go.mod`."""
        return MODULES / (self.module_of_ours or self.name)

    @property
    def version(self) -> str:
        """The program's version without its `v`, e.g. `1.36.3`."""
        return required_version(self.folder / "go.mod", self.module)

    @property
    def import_path(self) -> str:
        """The argument of `go build` for the package."""
        return "." if self.package is None else f"{self.module}/{self.package}".rstrip("/")

    @property
    def build_command(self) -> tuple[str, ...]:
        """Arguments of `go`, without debug information; the caller appends `-o` and the package."""
        flags = ["-s", "-w"]
        if self.version_variable is not None:
            flags += ["-X", f"{self.version_variable}={self.version_prefix}{self.version}"]
        tags = ("-tags", self.tags) if self.tags else ()
        return ("build", *tags, "-ldflags", " ".join(flags), "-gcflags", "all=-dwarf=false")

    @property
    def key(self) -> str:
        """Name of the build in the cache, with a hash of its Go files, settings and platform."""
        digest = hashlib.sha256()
        for file in sorted({*self.folder.glob("go.*"), *self.folder.glob("*.go")}):
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        settings = (*self.build_command, self.import_path, *self.links, *self.data, sys.platform, platform.machine())
        digest.update("\0".join(settings).encode())
        return f"{self.name}-{self.version}-{digest.hexdigest()[:12]}"


_TABLE: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
_TOOLS = {name: TypeAdapter(GoTool).validate_python({"name": name, **entry}) for name, entry in _TABLE.items()}

TOOLS = tuple(_TOOLS.values())
"""Programs of a rehearsal, in the order of building."""

PULUMI, KUBERNETES_PROVIDER = _TOOLS["pulumi"], _TOOLS["pulumi-resource-kubernetes"]
KUBERNETES, KWOK, COREDNS, METRICS_SERVER = map(_TOOLS.__getitem__, ("kubernetes", "kwok", "coredns", "metrics-server"))
ECK_OPERATOR, LOAD_BALANCER_CONTROLLER = _TOOLS["eck-operator"], _TOOLS["aws-load-balancer-controller"]


def required_version(go_mod: Path, module: str) -> str:
    """The version, without its `v`, at which a `go.mod` requires a module.

    Raises:
        ValueError: `go.mod` does not require the module.
    """
    found = re.search(rf"^\s*(?:require\s+)?{re.escape(module)} v(\S+)", go_mod.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{go_mod} does not require {module}")
    return found[1]
