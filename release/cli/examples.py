"""Examples of the commands, for `--help` and docs/cli.md."""

from __future__ import annotations

EXAMPLES = {
    "deploy": (
        "python -m release deploy dev api --image REPOSITORY:v2@sha256:…",
        "python -m release deploy dev --all                  # the newest settings of every service",
        'python -m release deploy prod api --image REPOSITORY@sha256:… --override "hotfix for the outage"',
    ),
    "promote": (
        "python -m release promote api",
        "python -m release promote --all --at-once 2",
    ),
    "resume": (
        "python -m release deploy prod api --image REPOSITORY@sha256:… --pause before-switch",
        "python -m release resume prod api",
    ),
    "abort": ('python -m release abort prod api --reason "the page is blank"',),
    "switch": (
        "python -m release switch dev api                    # to the slot that is warm",
        "python -m release switch dev api --to blue",
    ),
    "rollback": (
        "python -m release rollback prod api",
        "python -m release rollback prod api --keep-failed   # its pods stay, to be looked at",
    ),
    "retire": (
        "python -m release retire dev --all",
        "python -m release retire prod api --now --yes",
    ),
    "verify": (
        "python -m release verify dev api",
        "python -m release verify dev api --check ./end-to-end.sh",
    ),
    "repair": (
        "python -m release repair prod api                   # what is wrong",
        "python -m release repair prod api --yes             # mend it",
    ),
    "unlock": ("python -m release unlock dev api --yes",),
    "status": (
        "python -m release status                            # both environments",
        "python -m release status prod --watch",
    ),
    "history": (
        "python -m release history prod api",
        "python -m release history prod api --full           # images to be deployed again",
    ),
    "render": (
        "kubectl --namespace dev get podtemplate api --output json > api.json",
        "python -m release render --slot green --image REPOSITORY@sha256:… < api.json | kubectl apply -f -",
    ),
    "completion": (
        'eval "$(python -m release completion bash)"',
        "python -m release completion fish > ~/.config/fish/conf.d/release.fish",
    ),
    "reconcile": ("python -m release reconcile dev prod",),
    "page": ("python -m release page dev prod --port 8080",),
}
"""Command lines by command."""


def epilog(command: str) -> str:
    """The examples as `--help` ends with them, after the mark that keeps typer from joining their lines."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in EXAMPLES[command])])
