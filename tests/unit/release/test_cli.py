"""The command that renders a slot for kubectl."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from components.contract import SENTINEL_DIGEST
from release.cli import app

IMAGE = f"registry.example.com/api@sha256:{'ab' * 32}"
TEMPLATE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "PodTemplate",
    "metadata": {"name": "api", "namespace": "dev"},
    "template": {
        "metadata": {"labels": {"app.kubernetes.io/name": "api", "environment": "dev"}},
        "spec": {"containers": [{"name": "api", "image": f"registry.example.com/api@{SENTINEL_DIGEST}"}]},
    },
}


def test_a_slot_is_printed_as_kubectl_takes_it() -> None:
    result = CliRunner().invoke(app, ["render", "--image", IMAGE, "--slot", "green"], input=json.dumps(TEMPLATE))
    assert result.exit_code == 0, result.output
    deployment = json.loads(result.output)
    assert deployment["metadata"] == {"name": "api-green", "namespace": "dev"}
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE


@pytest.mark.parametrize(
    ("arguments", "given", "told"),
    [
        (["--image", IMAGE, "--slot", "red"], json.dumps(TEMPLATE), "red is no slot"),
        (["--image", IMAGE], "nonsense", "is no JSON"),
        (["--image", "api:latest"], json.dumps(TEMPLATE), "api:latest is not an image by digest"),
        (["--image", f"api@{SENTINEL_DIGEST}"], json.dumps(TEMPLATE), "is not an image by digest"),
    ],
)
def test_what_cannot_be_rendered_is_refused_with_its_reason(arguments: list[str], given: str, told: str) -> None:
    result = CliRunner().invoke(app, ["render", *arguments], input=given)
    assert result.exit_code == 2
    assert told in " ".join(result.output.replace("│", " ").split())
