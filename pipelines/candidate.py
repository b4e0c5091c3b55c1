"""Prints the candidate for prod: a service's most recently verified image. `python -m pipelines.candidate`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from contract.blue_green import verified_images_name
from kube.client import KubernetesApi, KubernetesApiError
from release import verification


def newest(records: list[verification.Record]) -> str | None:
    """The most recently verified digest; None without records."""
    return max(records, key=lambda record: record.at).digest if records else None


def main(arguments: list[str] | None = None) -> int:
    """Prints `REPOSITORY@sha256:…`; the exit code is 1 if no image is verified."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.candidate", description=__doc__)
    parser.add_argument("repository")
    parser.add_argument("service")
    parser.add_argument("--kubeconfig", type=Path, help="as kubectl's; by default in a pod its service account")
    options = parser.parse_args(arguments)
    try:
        api = KubernetesApi(options.kubeconfig)
        config_map = api.get(
            "v1", "ConfigMap", verified_images_name(options.service), verification.VERIFIED_ENVIRONMENT
        )
    except KubernetesApiError as error:
        sys.stderr.write(f"error: the API server: {error}\n")
        return 1
    digest = newest(verification.admitted(config_map))
    if digest is None:
        sys.stderr.write(f"error: no image of {options.service} is verified: its dev pipeline has to succeed first\n")
        return 1
    sys.stdout.write(f"{options.repository}@{digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
