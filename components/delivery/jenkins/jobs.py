"""Jenkins' jobs in Job DSL: for each service that has a source, one on dev and one for prod. Pure: text in, text out.

https://jenkinsci.github.io/job-dsl-plugin/#path/pipelineJob
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import config
from components.delivery.jenkins.names import GIT


def quoted(text: str) -> str:
    """A Groovy string that is this text, over several lines; nothing in it is replaced."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'''{escaped}'''"


def jobs(delivery: config.Delivery, pipelines: Mapping[str, str], preview: str | None = None) -> str:
    """The whole script.

    Args:
        delivery: Where the code of each service is, how often it is asked for new commits, and whether it tells.
        pipelines: The Jenkinsfile of each environment.
        preview: The one that previews changes of the platform itself; None where nobody does here.
    """
    login = GIT if delivery.git else ""
    poll = f"H/{delivery.poll_minutes} * * * *"
    triggers = [f"pollSCM {{ scmpoll_spec({quoted(poll)}) }}", *(["githubPush()"] if delivery.hook else [])]
    lines = [f"folder({quoted(environment)})" for environment in pipelines]
    for service, source in delivery.sources.items():
        parameters = {
            "SERVICE": service,
            "SOURCE": source.repository,
            "BRANCH": source.branch,
            "CREDENTIALS": login,
        }
        lines += _job(f"dev/{service}", parameters, pipelines["dev"], triggers=triggers)
        lines += _job(f"prod/{service}", {"SERVICE": service}, pipelines["prod"])
    if delivery.platform:
        lines += _agents_image(delivery.platform, login, triggers)
        if preview:
            lines += _job("platform/preview", _branches(delivery.platform, login), preview, triggers=triggers)
    return "\n".join(lines) + "\n"


def _branches(source: config.Source, login: str) -> dict[str, str]:
    """All branches but the one that is brought up; a fork's are in another repository.

    https://github.com/jenkinsci/git-plugin/blob/master/src/main/resources/hudson/plugins/git/BranchSpec/help-name.html
    """
    name = source.branch.replace(".", r"\.")  # all in a branch's name that means more in a pattern
    others = f":^(?!origin/{name}$).*"
    return {"SOURCE": source.repository, "BRANCHES": others, "CREDENTIALS": login}


def _job(name: str, parameters: Mapping[str, str], pipeline: str, *, triggers: Sequence[str] = ()) -> Sequence[str]:
    return [
        f"pipelineJob({quoted(name)}) {{",
        "  parameters {",
        *(f"    stringParam({quoted(key)}, {quoted(value)})" for key, value in parameters.items()),
        "  }",
        *(_started_by(triggers) if triggers else []),
        f"  definition {{ cps {{ script({quoted(pipeline)})",
        "    sandbox(true) } }",
        "}",
    ]


def _agents_image(source: config.Source, login: str, triggers: Sequence[str]) -> Sequence[str]:
    """The job takes its Jenkinsfile from its source: that is what it builds."""
    return [
        "folder('platform')",
        "pipelineJob('platform/agent') {",
        *_started_by(triggers),
        "  definition { cpsScm {",
        "    scm { git {",
        "      remote {",
        f"        url({quoted(source.repository)})",
        *([f"        credentials({quoted(login)})"] if login else []),
        "      }",
        f"      branch({quoted(source.branch)})",
        "    } }",
        "    scriptPath('pipelines/Jenkinsfile.agent')",
        "  } }",
        "}",
    ]


def _started_by(triggers: Sequence[str]) -> Sequence[str]:
    return ["  properties { pipelineTriggers { triggers {", *(f"    {one}" for one in triggers), "  } } }"]
