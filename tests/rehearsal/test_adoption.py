"""Changes of adopters, on a copy of the checkout: tests and previews pass with other settings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal import workspace
from rehearsal.layout import CHECKOUT
from rehearsal.toolchain import Toolchain
from tests.unit.program import ABOUT_SHIPPED, FIXTURES, SHIPPED, STACKS
from tools.program.graph import every

KEY = "hello-platform"


@dataclass(frozen=True)
class Adopted:
    """A copy of the checkout, whose stacks are somebody's own.

    Attributes:
        folder: The copy; its virtual environment is this one's.
        elsewhere: The folder of state, plugins and the rehearsal's files.
        pulumi: The engine.
    """

    folder: Path
    elsewhere: Path
    pulumi: Path

    def file(self, stack: str) -> Path:
        """A stack's file."""
        return self.folder / f"Pulumi.{stack}.yaml"

    def add(self, stack: str, like: str) -> None:
        """Adds a stack that begins as one of the tests' stacks."""
        shutil.copy(FIXTURES / f"Pulumi.{like}.yaml", self.file(stack))

    def edit(self, stack: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Changes the `config` of a stack's file."""
        file = self.file(stack)
        content = yaml.safe_load(file.read_text())
        change(content["config"])
        file.write_text(yaml.safe_dump(content, sort_keys=False))

    def config(self, stack: str) -> dict[str, Any]:
        """The `config` of a stack's file."""
        return yaml.safe_load(self.file(stack).read_text())["config"]

    def with_key(self, stack: str, *command: str | Path) -> None:
        """Runs a command as who has the key of a stack's secrets: with plain pulumi, and its passphrase."""
        variables = {
            "PATH": f"{self.pulumi.parent}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": self.elsewhere.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "of a person",
            "PULUMI_HOME": str(self.elsewhere / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        if not (self.elsewhere / ".pulumi" / "stacks" / "hello-platform" / f"{stack}.json").exists():
            self._passes(["pulumi", "stack", "init", stack], variables)
        self._passes(command, variables)

    def preview(self, stack: str) -> str:
        """What a rehearsal's preview says, which has no key."""
        options = ["--stack", stack, "--directory", self.elsewhere / f"rehearsal-{stack}"]
        return self._passes([sys.executable, "-m", "rehearsal", "preview", "--verbose", *options])

    def test(self) -> None:
        """Runs the copy's unit tests that read its stack files; `tests/unit/conftest.py` refuses it in any other."""
        told = self._passes([sys.executable, "-m", "pytest", "-rA", "--disable-warnings", ABOUT_SHIPPED])
        for file in self.folder.glob("Pulumi.*.yaml"):
            assert f"loads_and_previews[{file.name.split('.')[1]}]" in told, told

    def _passes(self, command: Any, variables: Mapping[str, str] | None = None) -> str:
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PULUMI_"))}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**mine, **(variables or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-20000:]}"
        return done.stdout


@pytest.fixture
def adopted(tools: Toolchain, tmp_path: Path) -> Adopted:
    """A copy of what is under version control here, without a stack."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.splitlines()
    folder, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in every(files):
        if (CHECKOUT / name).is_file() and CHECKOUT / name not in SHIPPED.values():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, folder / name)
    (folder / ".venv").symlink_to((CHECKOUT / ".venv").resolve())
    return Adopted(folder, elsewhere, tools.pulumi)


def block(document: str, key: str, part: str) -> dict[str, Any]:
    """The value of a key in the first block of a page that has it with this part."""
    text = (CHECKOUT / document).read_text(encoding="utf-8")
    shown = [yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)]
    return next(one[key] for one in shown if part in one.get(key, ()))


def a_sixth_service(adopted: Adopted, stack: str) -> None:
    """As the page about it shows it."""
    services = block("docs/how-to/add-a-service.md", f"{KEY}:services", "search")
    adopted.edit(stack, lambda config: config[f"{KEY}:services"].update(services))


def another_region(adopted: Adopted, stack: str) -> None:
    """With that region's zones."""

    def change(config: dict[str, Any]) -> None:
        zones = config[f"{KEY}:network"]["zones"]
        config[f"{KEY}:region"] = "eu-central-1"
        config[f"{KEY}:network"]["zones"] = [f"eu-central-1{letter}" for letter in "abc"[: len(zones)]]

    adopted.edit(stack, change)


def an_account_of_their_own(adopted: Adopted, stack: str) -> None:
    """All that `docs/aws.md` says to set."""
    account = "210987654321"

    def change(config: dict[str, Any]) -> None:
        config |= {
            f"{KEY}:accountId": account,
            f"{KEY}:domain": f"{stack}.shop.example.org",
            f"{KEY}:dns": {"zone": "shop.example.org", "zoneId": "Z9876543210ZYXWVUTSRQ"},
            f"{KEY}:owner": "shop",
            f"{KEY}:costCenter": "shop-1",
            f"{KEY}:protect": stack != "prod",
        }
        config[f"{KEY}:network"]["cidr"] = "172.30.0.0/16"
        config[f"{KEY}:cluster"] |= {
            "publicAccessCidrs": ["192.0.2.0/24"],
            "adminRoleArns": [f"arn:aws:iam::{account}:role/admin"],
            "deployerRoleArns": [f"arn:aws:iam::{account}:role/deployer"],
            "readerRoleArns": [f"arn:aws:iam::{account}:role/reader"],
        }
        config[f"{KEY}:loadBalancer"]["staffCidrs"] = ["192.0.2.128/25"]
        config[f"{KEY}:services"]["api"]["egress"]["networks"] = [{"cidr": "10.99.0.0/24", "ports": [3307, 6380]}]

    adopted.edit(stack, change)


def secrets(adopted: Adopted, stack: str) -> None:
    """Encrypted with a key of their own."""
    keys = [secret.key for secret in workspace.required_secrets(adopted.config(stack))]
    values = [word for key in every(keys) for word in ("--secret", f"{key}=a value of theirs, {key}")]
    adopted.with_key(stack, "pulumi", "config", "set-all", "--stack", stack, "--path", *values)


def jenkins(adopted: Adopted, stack: str) -> None:
    """As the page on delivery brings it up, with pushes told by GitHub."""
    adopted.with_key(stack, sys.executable, "-m", "pipelines.certificates", "--stack", stack)
    delivery = block("docs/delivery.md", f"{KEY}:delivery", "platform")
    hook = {"cidrs": ["192.30.252.0/22"]}
    adopted.edit(stack, lambda config: config[f"{KEY}:delivery"].update({**delivery, "hook": hook}))
    for name in ("adminPassword", "git.token", "hook.secret"):
        words = ("--secret", "--path", f"{KEY}:delivery.{name}", "a secret of theirs")
        adopted.with_key(stack, "pulumi", "config", "set", "--stack", stack, *words)
    words = ("--path", f"{KEY}:delivery.agentDigest", "sha256:" + 64 * "e")
    adopted.with_key(stack, "pulumi", "config", "set", "--stack", stack, *words)


def a_service_less(adopted: Adopted, stack: str) -> None:
    """One that no other calls."""
    adopted.edit(stack, lambda config: config[f"{KEY}:services"].pop("crawling"))


CHANGES: Mapping[str, tuple[Callable[[Adopted, str], None], str, bool]] = {
    "service": (a_sixth_service, "search-blue", True),
    "region": (another_region, "public-eu-central-1a", True),
    "account": (an_account_of_their_own, "frontend-blue", True),
    "secrets": (secrets, "frontend-blue", True),
    "jenkins": (jenkins, "buildkitd", True),
    "less": (a_service_less, "crawling", False),
}
"""Each with a word, and whether a preview then has it."""

ADOPTERS: Mapping[str, tuple[str, Collection[str]]] = {
    **{stack: (stack, CHANGES) for stack in STACKS},
    "some": ("dev", ("service", "account", "jenkins")),
    "others": ("dev", ("region", "secrets", "less")),
}
"""By stack: which one it begins as, and its changes: all of them, or one half, so that none needs the other half's."""


def test_changes_pass_tests_and_previews_all_at_once_and_without_one_another(adopted: Adopted) -> None:
    """Each half by the tests' preview alone: on the engine, all at once go through the same code."""
    for stack, (like, changes) in ADOPTERS.items():
        adopted.add(stack, like=like)
        for name in changes:
            CHANGES[name][0](adopted, stack)
        assert "encryptionsalt" in adopted.file(stack).read_text()
    for stack in STACKS:
        told = adopted.preview(stack)
        for name, (_, word, there) in CHANGES.items():
            assert (word in told) == there, (stack, name)
    adopted.test()
