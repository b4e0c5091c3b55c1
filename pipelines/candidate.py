"""Prints the image of a service that was verified last: what prod gets next. `python -m pipelines.candidate`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kube.client import KubernetesApi, KubernetesApiError
from release import verification


def newest(records: list[verification.Record]) -> str | None:
    """The digest that was verified last; None where none was."""
    return max(records, key=lambda record: record.at).digest if records else None


def main(arguments: list[str] | None = None) -> int:
    """Prints `REPOSITORY@sha256:…`; 1 where nothing was verified."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.candidate", description=__doc__)
    parser.add_argument("repository")
    parser.add_argument("service")
    parser.add_argument("--kubeconfig", type=Path, help="as kubectl's; in a pod its service account")
    given = parser.parse_args(arguments)
    try:
        api = KubernetesApi(given.kubeconfig)
        found = api.get("v1", "ConfigMap", verification.name(given.service), verification.NEEDED_IN)
    except KubernetesApiError as error:
        sys.stderr.write(f"error: the API server: {error}\n")
        return 1
    digest = newest(verification.parse(found))
    if digest is None:
        sys.stderr.write(f"error: nothing of {given.service} was verified: let its dev pipeline end well first\n")
        return 1
    sys.stdout.write(f"{given.repository}@{digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
