"""Jenkins' jobs as a Job DSL script: for each service with a source, one job for dev and one for prod. Pure.

https://jenkinsci.github.io/job-dsl-plugin/#path/pipelineJob
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import config
from components.delivery.jenkins.names import GIT


def quoted(text: str) -> str:
    """A multi-line Groovy string literal of the text, without interpolation."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'''{escaped}'''"


def jobs(delivery: config.Delivery, pipelines: Mapping[str, str], preview: str | None = None) -> str:
    """The whole script.

    Args:
        delivery: Configuration of Jenkins: sources, polling interval, webhook.
        pipelines: Text of the Jenkinsfile of each environment.
        preview: Text of the Jenkinsfile that previews changes of the platform; None where Jenkins does not preview.
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
    """Parameters of the preview job: all branches of the repository but the deployed one. Forks are not built.

    https://github.com/jenkinsci/git-plugin/blob/master/src/main/resources/hudson/plugins/git/BranchSpec/help-name.html
    """
    name = source.branch.replace(".", r"\.")  # the only character of a branch name that a regular expression escapes
    others = f":^(?!origin/{name}$).*"
    return {"SOURCE": source.repository, "BRANCHES": others, "CREDENTIALS": login}


def _job(name: str, parameters: Mapping[str, str], pipeline: str, *, triggers: Sequence[str] = ()) -> Sequence[str]:
    return [
        f"pipelineJob({quoted(name)}) {{",
        "  parameters {",
        *(f"    stringParam({quoted(key)}, {quoted(value)})" for key, value in parameters.items()),
        "  }",
        *(_trigger_properties(triggers) if triggers else []),
        f"  definition {{ cps {{ script({quoted(pipeline)})",
        "    sandbox(true) } }",
        "}",
    ]


def _agents_image(source: config.Source, login: str, triggers: Sequence[str]) -> Sequence[str]:
    """The job that builds the agents' image, by the Jenkinsfile in the platform's repository."""
    return [
        "folder('platform')",
        "pipelineJob('platform/agent') {",
        *_trigger_properties(triggers),
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


def _trigger_properties(triggers: Sequence[str]) -> Sequence[str]:
    return ["  properties { pipelineTriggers { triggers {", *(f"    {trigger}" for trigger in triggers), "  } } }"]
