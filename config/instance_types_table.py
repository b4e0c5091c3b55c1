"""Writes `instance_types.csv` from the data of EC2's API in the package moto.

Run `python -m config.instance_types_table` after an upgrade of moto; it needs requirements-dev.txt.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import astuple, fields
from importlib.resources import files
from typing import Any

from config.instance_types import TABLE, InstanceType

ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
"""Kubernetes' names of architectures by EC2's; an instance type with none of them does not run Linux."""


def from_moto() -> Iterator[InstanceType]:
    """Every EC2 instance type in moto's data that runs Linux, sorted by name.

    Reads moto's file, since importing `moto.ec2` takes seconds.
    """
    file = files("moto") / "ec2" / "resources" / "instance_types.json.gz"
    described: dict[str, dict[str, Any]] = json.loads(gzip.decompress(file.read_bytes()))
    for name, description in sorted(described.items()):
        network = description["NetworkInfo"]
        card = network["NetworkCards"][network.get("DefaultNetworkCardIndex", 0)]
        supported = description["ProcessorInfo"]["SupportedArchitectures"]
        architectures = [ARCHITECTURES[name] for name in supported if name in ARCHITECTURES]
        if architectures:
            yield InstanceType(
                name=name,
                vcpus=description["VCpuInfo"]["DefaultVCpus"],
                memory_mib=description["MemoryInfo"]["SizeInMiB"],
                interfaces=card["MaximumNetworkInterfaces"],
                addresses=network["Ipv4AddressesPerInterface"],
                architecture=architectures[0],
            )


if __name__ == "__main__":
    with TABLE.open("w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(field.name for field in fields(InstanceType))
        writer.writerows(astuple(kind) for kind in from_moto())
