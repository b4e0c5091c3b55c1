"""`python -m rehearsal image` prints what `python -m release deploy --image` takes."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner, Result

from contract.blue_green import SENTINEL_DIGEST
from rehearsal import demo_images
from rehearsal.cli import app
from rehearsal.demo_images import Fault
from rehearsal.errors import RehearsalError
from rehearsal.lifecycle import Rehearsal

REPOSITORY = "111122223333.dkr.ecr.ap-northeast-2.amazonaws.com/hello-dev/api"


class Api:
    """An API server with one service."""

    def get(self, api_version: str, kind: str, name: str, namespace: str) -> dict[str, Any] | None:
        """Its PodTemplate."""
        if (api_version, kind, name, namespace) != ("v1", "PodTemplate", "api", "dev"):
            return None
        spec = {"containers": [{"name": "side", "image": "side"}, {"image": f"{REPOSITORY}@{SENTINEL_DIGEST}"}]}
        return {"metadata": {"name": name, "namespace": namespace}, "template": {"spec": spec}}


@pytest.fixture(autouse=True)
def api(monkeypatch: pytest.MonkeyPatch) -> None:
    def running(_: Rehearsal) -> Api:
        return Api()

    monkeypatch.setattr(Rehearsal, "api", running)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["image", *arguments])


@pytest.mark.parametrize("fault", [None, *Fault])
def test_it_prints_an_image_of_the_services_own_repository(fault: Fault | None) -> None:
    shown = run("dev", "api", "v2", *(("--fault", fault.value) if fault else ()))
    assert shown.stdout == f"{REPOSITORY}:v2@{demo_images.digest('v2', fault)}\n"


def test_what_is_wrong_is_told() -> None:
    unknown = run("dev", "ai", "v2").exception
    assert isinstance(unknown, RehearsalError)
    assert "release status dev" in str(unknown)
    assert isinstance(run("dev", "api", "v 2").exception, RehearsalError)
    assert run("dev", "api", "v2", "--fault=bad").exit_code == 2
