"""The command line of completion: what a shell has to run so that `release` is a command there, and completes."""

from __future__ import annotations

import os
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

NAME = "release"
"""Name of the command that a shell gets."""

VARIABLE = "_RELEASE_COMPLETE"
"""Environment variable by which typer tells a completion from a command."""

_BASH = """\
release() {{ {command} "$@"; }}
_release_completion() {{
    local IFS=$'\\n'
    COMPREPLY=( $(COMP_WORDS="${{COMP_WORDS[*]}}" COMP_CWORD=$COMP_CWORD {variable}=complete_bash release) )
}}
complete -o default -F _release_completion release
"""

_ZSH = """\
release() {{ {command} "$@" }}
_release_completion() {{
    eval $(_TYPER_COMPLETE_ARGS="${{words[1,$CURRENT]}}" {variable}=complete_zsh release)
}}
compdef _release_completion release
"""

_FISH = """\
function release; {command} $argv; end
function _release_completion
    set -lx {variable} complete_fish
    set -lx _TYPER_COMPLETE_ARGS (commandline -cp)
    set -lx _TYPER_COMPLETE_FISH_ACTION $argv[1]
    release
end
complete --command release --no-files --arguments '(_release_completion get-args)' \
    --condition '_release_completion is-args'
"""


def asked_to_complete() -> str | None:
    """The name of the command that a shell asks to complete; None if it runs it."""
    if VARIABLE not in os.environ:
        return None
    from typer.completion import (  # noqa: PLC0415 - only then
        completion_init,  # pyright: ignore[reportPrivateImportUsage] - typer does so for its own options only
    )

    completion_init()
    return NAME


class Shell(StrEnum):
    """A shell that completes."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


_SCRIPTS = {Shell.BASH: _BASH, Shell.ZSH: _ZSH, Shell.FISH: _FISH}


def completion(shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish", help="The shell.")]) -> None:
    """Print what makes `release` a command of your shell, in any folder, that completes with the tab key."""
    checkout = Path(__file__).parents[2]
    command = f"env PYTHONPATH={shlex.quote(str(checkout))} {shlex.quote(sys.executable)} -m {NAME}"
    typer.echo(_SCRIPTS[shell].format(command=command, variable=VARIABLE), nl=False)
