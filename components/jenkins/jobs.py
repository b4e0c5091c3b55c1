"""Jenkins' jobs in Job DSL: for each service that has a source, one on dev and one for prod. Pure: text in, text out.

https://jenkinsci.github.io/job-dsl-plugin/#path/pipelineJob
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import settings
from components.jenkins.names import GIT


def quoted(text: str) -> str:
    """A Groovy string that is this text, over several lines; nothing in it is replaced."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'''{escaped}'''"


def jobs(
    sources: Mapping[str, settings.Source], pipelines: Mapping[str, str], *, poll_minutes: int, credentials: bool
) -> str:
    """The whole script.

    Args:
        sources: Where the code of each service is.
        pipelines: The Jenkinsfile of each environment.
        poll_minutes: How often its source is asked for new commits.
        credentials: Whether sources want a login.
    """
    lines = [f"folder({quoted(environment)})" for environment in pipelines]
    for service, source in sources.items():
        parameters = {
            "SERVICE": service,
            "SOURCE": source.repository,
            "BRANCH": source.branch,
            "CREDENTIALS": GIT if credentials else "",
        }
        poll = f"H/{poll_minutes} * * * *"
        lines += _job(f"dev/{service}", parameters, pipelines["dev"], poll=poll)
        lines += _job(f"prod/{service}", {"SERVICE": service}, pipelines["prod"])
    return "\n".join(lines) + "\n"


def _job(name: str, parameters: Mapping[str, str], pipeline: str, *, poll: str | None = None) -> Sequence[str]:
    triggers = (
        []
        if poll is None
        else [
            "  properties { pipelineTriggers { triggers {",
            f"    pollSCM {{ scmpoll_spec({quoted(poll)}) }}",
            "  } } }",
        ]
    )
    return [
        f"pipelineJob({quoted(name)}) {{",
        "  parameters {",
        *(f"    stringParam({quoted(key)}, {quoted(value)})" for key, value in parameters.items()),
        "  }",
        *triggers,
        f"  definition {{ cps {{ script({quoted(pipeline)})",
        "    sandbox(true) } }",
        "}",
    ]
