"""The page of the command lines, docs/cli.md, from the programs themselves: `python -m tools.command_lines`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from release.cli.examples import EXAMPLES, epilog

CHECKOUT = Path(__file__).parents[1]
PAGE = CHECKOUT / "docs" / "cli.md"

PROGRAMS = {"release.cli": "python -m release", "rehearsal.cli": "python -m rehearsal"}
"""The command that runs each module."""

_HEAD = """\
# Command lines

<!-- Written by `python -m tools.command_lines` from release/cli/ and rehearsal/cli.py. Change those. -->

What `--help` says. What the commands do: [Releases](releases.md), [Rehearsal](rehearsal.md); their exit codes:
[Releases](releases.md#exit-codes). `make help` prints the targets that run the others.

`release` as a command of your shell, in any folder, that completes commands, options and environments with the tab key
(a bash of `make shell` has it):

| shell | once, in the checkout |
|---|---|
| bash | `.venv/bin/python -m release completion bash >> ~/.bashrc` |
| zsh | `.venv/bin/python -m release completion zsh >> ~/.zshrc`, after its `compinit` |
| fish | `.venv/bin/python -m release completion fish > ~/.config/fish/conf.d/release.fish` |

"""


def page() -> str:
    """The page."""
    text = _HEAD + "\n".join(_section(module, command) for module, command in PROGRAMS.items())
    for command, lines in EXAMPLES.items():
        text = text.replace(epilog(command), "\n".join(["**Examples**:", "", "```console", *lines, "```"]))
    return text.rstrip() + "\n"


def _section(module: str, command: str) -> str:
    """A program's commands by typer, one heading lower."""
    words = [sys.executable, "-m", "typer", module, "utils", "docs", "--name", command, "--title", f"`{command}`"]
    text = subprocess.run(words, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout
    lines = [f"#{line}" if line.startswith("#") else line for line in text.splitlines()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
