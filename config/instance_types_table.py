"""Writes `instance_types.csv` from the data that moto carries of EC2's own API.

Say `python -m config.instance_types_table` after a newer moto; it needs requirements-dev.txt.
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
"""EC2's words for an architecture in Kubernetes' words; a type with none of them runs no Linux."""


def from_moto() -> Iterator[InstanceType]:
    """Every EC2 instance type that runs Linux, in moto's data, by name.

    Read from moto's file: importing `moto.ec2` takes seconds.
    """
    file = files("moto") / "ec2" / "resources" / "instance_types.json.gz"
    described: dict[str, dict[str, Any]] = json.loads(gzip.decompress(file.read_bytes()))
    for name, one in sorted(described.items()):
        network = one["NetworkInfo"]
        card = network["NetworkCards"][network.get("DefaultNetworkCardIndex", 0)]
        words = [
            ARCHITECTURES[word] for word in one["ProcessorInfo"]["SupportedArchitectures"] if word in ARCHITECTURES
        ]
        if words:
            yield InstanceType(
                name=name,
                vcpus=one["VCpuInfo"]["DefaultVCpus"],
                memory_mib=one["MemoryInfo"]["SizeInMiB"],
                interfaces=card["MaximumNetworkInterfaces"],
                addresses=network["Ipv4AddressesPerInterface"],
                architecture=words[0],
            )


if __name__ == "__main__":
    with TABLE.open("w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(field.name for field in fields(InstanceType))
        writer.writerows(astuple(kind) for kind in from_moto())
