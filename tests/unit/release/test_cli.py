"""The command line: quick to start, wrong words told before anything is asked, and slots rendered for kubectl."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from components.contract import SENTINEL_DIGEST
from release.cli import app, images_of

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


def test_help_imports_nothing_heavy() -> None:
    heavy = ["kubernetes", "boto3", "pulumi", "tenacity", "urllib3"]
    program = f"import sys, release.cli; print([one for one in {heavy} if one in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command", ["deploy", "promote", "switch", "rollback", "retire", "verify", "status", "history"]
)
def test_each_command_has_help_and_takes_json(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "--json" in result.output


@pytest.mark.parametrize(
    ("names", "given", "wanted"),
    [
        (["api"], [IMAGE], {"api": IMAGE}),
        (["api", "ai"], [f"ai={IMAGE}"], {"api": "", "ai": IMAGE}),
        (["api"], [f"api@{SENTINEL_DIGEST}"], {"api": f"api@{SENTINEL_DIGEST}"}),  # the plan tells what that is
    ],
)
def test_each_service_gets_its_image(names: list[str], given: list[str], wanted: dict[str, str]) -> None:
    assert images_of(names, given) == wanted


@pytest.mark.parametrize(
    ("names", "given", "told"),
    [
        (["api", "ai"], [IMAGE], "say SERVICE=IMAGE"),
        (["api"], [f"web={IMAGE}"], "web is not among api"),
        (["api"], ["api:latest"], "is not an image by digest"),
    ],
)
def test_an_image_that_is_for_no_service_is_told(names: list[str], given: list[str], told: str) -> None:
    with pytest.raises(typer.BadParameter, match=told):
        images_of(names, given)
