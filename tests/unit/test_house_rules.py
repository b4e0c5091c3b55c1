"""Rules for the code that no linter has."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.unit.program import CHECKOUT
from tools.program.graph import every

COMPONENTS = every(
    # A job's program runs in its pod, by the standard library alone.
    (path for path in sorted((CHECKOUT / "components").rglob("*.py")) if path.parent.name != "job"),
    "component",
)
CONFIG = every(sorted((CHECKOUT / "config").rglob("*.py")), "module of the configuration")
PINNED = r"[a-z0-9-]+(\[[a-z0-9,]+\])?==\d+(\.?[a-z0-9]+)*"


def relative(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def imported(path: Path) -> set[str]:
    """The dotted names that a file imports, each module and each of its names."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def attributes(path: Path) -> set[str]:
    """Every `module.name` that a file uses."""
    return {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


def test_the_program_is_one_list_of_components() -> None:
    """Imports, components and outputs: no loop, no condition, no function."""
    text = (CHECKOUT / "__main__.py").read_text(encoding="utf-8")
    statements = {type(node) for node in ast.parse(text).body}
    assert statements <= {ast.Expr, ast.Import, ast.ImportFrom, ast.Assign}


@pytest.mark.parametrize("path", COMPONENTS, ids=relative)
def test_a_component_knows_of_no_rehearsal(path: Path) -> None:
    assert not re.search(
        r"rehears|stand[-_]in|kwok|localhost|127\.0\.0\.1", path.read_text(encoding="utf-8"), re.IGNORECASE
    )


@pytest.mark.parametrize("path", [*COMPONENTS, *CONFIG], ids=relative)
def test_a_dataclass_is_frozen_and_what_a_component_takes_is_given_by_name(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for decorator in node.decorator_list if isinstance(node, ast.ClassDef) else []:
            if ast.unparse(decorator).startswith("dataclass"):
                assert "frozen=True" in ast.unparse(decorator), node
                assert "kw_only=True" in ast.unparse(decorator) or not str(getattr(node, "name", "")).endswith("Args")
                assert "kw_only=False" not in ast.unparse(decorator), node


@pytest.mark.parametrize("path", COMPONENTS, ids=relative)
def test_a_component_reads_no_configuration(path: Path) -> None:
    forbidden = {"pulumi.Config", "pulumi.get_stack", "config.load", "config.pulumi_config", "os.environ", "os"}
    assert not (imported(path) | attributes(path)) & forbidden


@pytest.mark.parametrize("path", COMPONENTS, ids=relative)
def test_a_component_takes_what_it_needs_and_never_the_whole_configuration(path: Path) -> None:
    assert not (imported(path) | attributes(path)) & {"config.Settings", "config.settings.Settings"}


@pytest.mark.parametrize("path", COMPONENTS, ids=relative)
def test_a_component_decides_nothing_by_an_environments_name(path: Path) -> None:
    """Differences between stacks and environments are settings."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            values = {side.value for side in sides if isinstance(side, ast.Constant)}
            assert not values & {"dev", "prod"}, f"line {node.lineno}"


@pytest.mark.parametrize("path", COMPONENTS, ids=relative)
def test_no_internal_of_another_component_is_imported(path: Path) -> None:
    assert not {name for name in imported(path) if name.startswith("components.") and "._" in name}


@pytest.mark.parametrize("path", COMPONENTS, ids=relative)
def test_what_a_component_takes_is_frozen_and_given_by_name(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            for decorator in map(ast.unparse, node.decorator_list):
                assert "dataclass" not in decorator or "frozen=True" in decorator, node.name
                fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
                assert "dataclass" not in decorator or "kw_only=True" in decorator or len(fields) <= 2, node.name


PARTITION_FREE = every(
    [
        *COMPONENTS,
        *(
            path
            for folder in ("contract", "pipelines", "release", "tools")
            for path in (CHECKOUT / folder).rglob("*.py")
            if path.parent.name != "program"  # it answers as AWS does
        ),
    ],
    "module that reaches AWS",
)


@pytest.mark.parametrize("path", PARTITION_FREE, ids=relative)
def test_no_arn_names_a_partition(path: Path) -> None:
    """It follows from the region: `config.partitions`. Docstrings and comments may."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            assert not re.search(r"arn:aws[a-z-]*:", node.value), f"line {node.lineno}"


def test_make_help_names_each_target_in_groups_of_seven_at_most() -> None:
    text = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    told = re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE)
    assert sorted(told) == sorted(phony.split())
    groups = text.split("\n##@ ")[1:]
    assert {len(re.findall(r"^[a-z-]+:.*## ", one, re.MULTILINE)) for one in every(groups)} <= set(range(1, 8))


def pinned(name: str) -> dict[str, str]:
    """The packages of a requirements file and their versions."""
    lines = (CHECKOUT / name).read_text(encoding="utf-8").splitlines()
    packages = every(line.partition(" ;")[0] for line in lines if line and not line.startswith(("#", "--")))
    for line in packages:
        assert re.fullmatch(PINNED, line, re.IGNORECASE), line
    return {canonical(name): version for name, version in (line.split("==") for line in packages)}


def canonical(package: str) -> str:
    """https://packaging.python.org/en/latest/specifications/name-normalization/."""
    return re.sub(r"[-_.]+", "-", package.partition("[")[0]).lower()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_pinned_to_the_version_in_the_lock(name: str) -> None:
    assert pinned(name).items() <= pinned("constraints.txt").items()


def test_the_lock_has_every_package_that_ours_need() -> None:
    """Of those that are installed here: what ours need, what these need, and so on."""
    locked = pinned("constraints.txt")
    names = {name for file in ("requirements.txt", "requirements-dev.txt") for name in pinned(file)}
    needed: set[str] = set()
    while names:
        needed |= names
        names = {required for name in names for required in installed_requirements(name)} - needed
    assert needed <= set(locked)


def installed_requirements(package: str) -> set[str]:
    """The packages that an installed package needs without its extras; none if it is not installed."""
    try:
        lines = requires(package) or []
    except PackageNotFoundError:
        return set()
    every_one = map(Requirement, lines)
    return {canonical(one.name) for one in every_one if one.marker is None or one.marker.evaluate({"extra": ""})}


def test_the_agents_image_has_every_package_that_the_release_tool_and_the_pipelines_import() -> None:
    text = (CHECKOUT / "pipelines" / "agent.Dockerfile").read_text(encoding="utf-8")
    (packages,) = re.findall(r"--constraint constraints\.txt ([a-z0-9 -]+)$", text, re.MULTILINE)
    installed = set(packages.split())
    assert installed <= set(pinned("requirements.txt"))
    shipped = set(re.findall(r"^COPY (\w+) ", text, re.MULTILINE))
    modules = {
        name.partition(".")[0]
        for folder in every(sorted(shipped), "folder of the image")
        for path in (CHECKOUT / folder).rglob("*.py")
        if path.name != "certificates.py"  # a person runs it, from a checkout
        for name in imported(path)
    }
    third_party = modules - shipped - set(sys.stdlib_module_names)
    needs = {canonical(one) for name in installed for one in installed_requirements(name)}
    distributions = {canonical(one) for module in third_party for one in packages_distributions()[module]}
    assert installed <= distributions <= installed | needs


@pytest.mark.parametrize(
    ("package", "wanted"),
    [("pulumi", "3.260"), ("pulumi-aws", "7."), ("pulumi-eks", "4."), ("pulumi-kubernetes", "4.")],
)
def test_pulumis_packages_are_the_versions_that_were_measured(package: str, wanted: str) -> None:
    lines = (CHECKOUT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    (pinned,) = (line.removeprefix(f"{package}==") for line in lines if line.startswith(f"{package}=="))
    assert pinned.startswith(wanted)
    assert version(package) == pinned


def test_no_test_is_skipped_for_want_of_a_variable() -> None:
    """CI sets no variable of ours, and a skipped test fails it: such a test is defined only where the variable is."""
    for path in every(sorted((CHECKOUT / "tests").rglob("test_*.py")), "test module"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("skipif"):
                assert "environ" not in ast.unparse(node), f"{relative(path)}:{node.lineno}"
