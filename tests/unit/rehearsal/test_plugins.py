"""Which kubernetes plugin a rehearsal uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.plugins import PLUGIN_VARIABLE, find_kubernetes_plugin, newest_fitting


def install(plugins: Path, *versions: str) -> None:
    for version in versions:
        program = plugins / f"resource-kubernetes-v{version}" / "pulumi-resource-kubernetes"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)


@pytest.mark.parametrize(
    ("installed", "taken"),
    [
        (["4.28.9", "3.30.0", "5.0.0"], None),
        (["4.29.0"], "4.29.0"),
        (["4.29.3", "4.9.0", "4.30.1"], "4.30.1"),
        ([], None),
    ],
)
def test_the_newest_plugin_of_the_sdks_major_and_at_least_its_minor_is_taken(
    tmp_path: Path, installed: list[str], taken: str | None
) -> None:
    install(tmp_path, *installed)
    found = newest_fitting(tmp_path, "4.29.0")
    assert (found.parent.name if found else None) == (taken and f"resource-kubernetes-v{taken}")


def test_a_folder_without_the_program_is_no_plugin(tmp_path: Path) -> None:
    (tmp_path / "resource-kubernetes-v4.29.0").mkdir()
    assert newest_fitting(tmp_path, "4.29.0") is None


def test_a_named_plugin_is_taken_or_refused(tmp_path: Path) -> None:
    install(tmp_path, "1.0.0")
    program = tmp_path / "resource-kubernetes-v1.0.0" / "pulumi-resource-kubernetes"
    assert find_kubernetes_plugin({PLUGIN_VARIABLE: str(program)}) == program
    with pytest.raises(RehearsalError, match="no executable file"):
        find_kubernetes_plugin({PLUGIN_VARIABLE: str(tmp_path)})


def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert find_kubernetes_plugin({"PULUMI_HOME": str(tmp_path)}) is None
