"""The pod simulator: an HTTP server that answers in place of pods whose containers do not run in a rehearsal."""

from __future__ import annotations

from rehearsal.layout import Layout
from rehearsal.processes import Program, of_module

NAME = "pod-simulator"


def program(layout: Layout, namespace: int) -> Program:
    """The pod simulator's process, which runs as long as the control plane."""
    return of_module(layout, NAME, "rehearsal.pod_simulator", namespace=namespace)


def release_environment() -> dict[str, str]:
    """Variables of `python -m release` in a rehearsal: it tags no image in ECR, since ECR has no demo image."""
    return {"HELLO_RELEASE_IMAGE_TAGS": "false"}
