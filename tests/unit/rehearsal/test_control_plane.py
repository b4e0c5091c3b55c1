"""The programs of a control plane have the version that the cluster asks for, or it is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from rehearsal import control_plane
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.programs import API_SERVER
from rehearsal.toolchain.tools import KUBERNETES

NOW = ".".join(KUBERNETES.version.split(".")[:2])


@pytest.fixture(autouse=True)
def running(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API server of the toolchain's version."""

    def versions(_layout: Layout, names: Sequence[str]) -> dict[str, str]:
        return dict.fromkeys(names, NOW)

    monkeypatch.setattr(control_plane, "versions", versions)


def test_a_version_that_nothing_here_can_start_is_refused(tmp_path: Path) -> None:
    """A newer API server in its place would accept what the older one refuses."""
    with pytest.raises(RehearsalError, match=rf"Kubernetes 1\.30 is asked for; this rehearsal can start {NOW}"):
        control_plane.bring_version(Layout(tmp_path), "1.30", [API_SERVER])


@pytest.mark.parametrize("version", [NOW, None])
def test_what_has_the_version_goes_on(tmp_path: Path, version: str | None) -> None:
    control_plane.bring_version(Layout(tmp_path), version, [API_SERVER])
    assert not (tmp_path / "processes.json").exists()
