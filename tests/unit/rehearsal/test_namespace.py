"""If no network namespace can be created, a clause gives the reason and the remedy."""

from __future__ import annotations

import subprocess

import pytest

from rehearsal.network import namespace


def test_another_system_is_told_what_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert "a container with Linux" in str(namespace.refusal())


def _present(tool: str) -> str:
    return f"/bin/{tool}"


def _absent(tool: str) -> str:
    return tool if tool in {"nft", "ip"} else f"/bin/{tool}"


def test_a_missing_tool_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "tool", _absent)
    assert namespace.refusal() == "ip and nft cannot be found; install iproute2 and nftables"


def test_each_way_that_is_refused_gives_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "tool", _present)
    monkeypatch.setattr("os.geteuid", lambda: 0)

    def refuse(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        who = "a user" if "--user" in command else "root"
        return subprocess.CompletedProcess(command, 1, "", f"a warning\nunshare: not for {who}\n")

    monkeypatch.setattr(subprocess, "run", refuse)
    reason = str(namespace.refusal())
    assert "(unshare: not for root; unshare: not for a user)" in reason
    assert "kernel.unprivileged_userns_clone" in reason


def test_root_that_may_make_no_namespace_may_make_one_as_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "tool", _present)
    monkeypatch.setattr("os.geteuid", lambda: 0)

    def trial(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, "--user" not in command, "", "Operation not permitted")

    monkeypatch.setattr(subprocess, "run", trial)
    assert namespace.refusal() is None
