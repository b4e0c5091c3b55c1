#!/usr/bin/env python3
"""Stands in for buildctl and buildkitd: takes buildctl's words, and has buildah build, which needs no daemon.

From its surroundings: STAND_IN_REGISTRY, where images really go, and STAND_IN_STORAGE, buildah's folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def pairs(words: list[str]) -> dict[str, str]:
    """`NAME=VALUE` words."""
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def main() -> int:
    """Builds, and pushes where it is told to."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--tlsdir", type=Path, required=True)
    build = parser.add_subparsers(required=True).add_parser("build", allow_abbrev=False)
    build.add_argument("--progress", choices=["plain"])
    build.add_argument("--frontend", choices=["dockerfile.v0"], required=True)
    for word in ("--local", "--opt", "--import-cache", "--export-cache"):
        build.add_argument(word, action="append", default=[])
    build.add_argument("--output")
    build.add_argument("--metadata-file", type=Path)
    given = parser.parse_args()
    for name in ("ca.pem", "cert.pem", "key.pem"):  # as the real one: none without its certificate
        (given.tlsdir / name).read_bytes()

    options, local = pairs(given.opt), pairs(given.local)
    storage = Path(os.environ["STAND_IN_STORAGE"])
    buildah = ["buildah", f"--root={storage}", f"--runroot={storage}/run", "--storage-driver=vfs"]
    command = [
        *buildah,
        "build",
        "--isolation=chroot",
        "--layers",
        f"--file={local['dockerfile']}/{options['filename']}",
    ]
    command += [f"--target={options['target']}"] if "target" in options else []
    command += [f"--label={key.removeprefix('label:')}={value}" for key, value in options.items() if ":" in key]
    with tempfile.NamedTemporaryFile("r") as made:
        code = subprocess.run([*command, f"--iidfile={made.name}", local["context"]], check=False).returncode
        if code or not given.output:
            return code
        image = Path(made.name).read_text(encoding="utf-8")
    name = pairs(given.output.split(","))["name"]
    host, _, path = name.partition("/")
    logins = json.loads((Path(os.environ["DOCKER_CONFIG"]) / "config.json").read_text(encoding="utf-8"))
    if host not in logins["auths"]:
        sys.exit(f"no login for {host}")
    with tempfile.NamedTemporaryFile("r") as made:
        where = f"docker://{os.environ['STAND_IN_REGISTRY']}/{path}"
        subprocess.run([*buildah, "push", "--tls-verify=false", f"--digestfile={made.name}", image, where], check=True)
        digest = Path(made.name).read_text(encoding="utf-8")
    given.metadata_file.write_text(json.dumps({"containerimage.digest": digest}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
