"""Jenkins' jobs as a Job DSL script: for each service with a source, one job for dev and one for prod. Pure.

https://jenkinsci.github.io/job-dsl-plugin/#path/pipelineJob
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import config
from components.delivery.jenkins.names import GIT

FOLDERS = ("dev", "prod", "platform")
NIGHTLY = "H 3 * * *"
"""When what is live is scanned again: between 3 and 4 o'clock, in UTC."""

DAYS_OF_DELETED_BRANCHES = 7
"""How long the builds of a deleted branch are kept."""


def quoted(text: str) -> str:
    """A multi-line Groovy string literal of the text, without interpolation."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'''{escaped}'''"


def jobs(delivery: config.Delivery, pipelines: Mapping[str, str], *, previews: bool = False) -> str:
    """The whole script.

    Args:
        delivery: Configuration of Jenkins: sources, polling interval, webhook.
        pipelines: Text of each Jenkinsfile, by the end of its name.
        previews: Whether Jenkins previews changes of the platform.
    """
    login = GIT if delivery.git else ""
    poll = f"H/{delivery.poll_minutes} * * * *"
    triggers = [f"pollSCM {{ scmpoll_spec({quoted(poll)}) }}", *(["githubPush()"] if delivery.hook else [])]
    lines = [f"folder({quoted(folder)})" for folder in FOLDERS]
    for service, source in delivery.sources.items():
        parameters = {
            "SERVICE": service,
            "SOURCE": source.repository,
            "BRANCH": source.branch,
            "CREDENTIALS": login,
            "CONTEXT": source.context,
            "DOCKERFILE": source.file,
            "PATHS": " ".join(source.watched),
        }
        lines += _job(f"dev/{service}", parameters, pipelines["dev"], triggers=triggers)
        lines += _job(f"prod/{service}", {"SERVICE": service}, pipelines["prod"])
    lines += _job("platform/scan", {}, pipelines["scan"], triggers=[f"cron {{ spec({quoted(NIGHTLY)}) }}"])
    if delivery.platform:
        lines += _agents_image(delivery.platform, login, triggers)
        if previews:
            lines += _branches(
                "platform/preview",
                delivery.platform,
                pipelines["preview"],
                login=login,
                poll_minutes=delivery.poll_minutes,
                marker="Pulumi.yaml",
            )
    return "\n".join(lines) + "\n"


def _branches(
    name: str, source: config.Source, pipeline: str, *, login: str, poll_minutes: int, marker: str
) -> Sequence[str]:
    """A job for each branch of a repository but the deployed one, found by `git ls-remote`. Forks are not built.

    A single job for a pattern of branches would poll only while its agent's workspace exists (`getSingleBranch`):
    https://github.com/jenkinsci/git-plugin/blob/git-5.10.1/src/main/java/hudson/plugins/git/GitSCM.java

    The pipeline is the controller's, by the plugin `inline-pipeline`, and not a branch's own: else whoever pushes a
    branch could use any agent.
    https://github.com/jenkinsci/inline-pipeline-plugin/blob/main/README.adoc

    Args:
        name: Name of the folder of jobs.
        source: The repository; its branch is the one that is left out.
        pipeline: Text of the Jenkinsfile.
        login: Credentials of the repository; empty if it needs none.
        poll_minutes: Minutes between two looks at the repository.
        marker: A file that a branch has, or else it is left out.
    """
    return [
        f"multibranchPipelineJob({quoted(name)}) {{",
        "  branchSources { branchSource { source { git {",
        f"    id({quoted(name)})",
        f"    remote({quoted(source.repository)})",
        *([f"    credentialsId({quoted(login)})"] if login else []),
        "    traits {",
        "      gitBranchDiscovery()",
        f"      headWildcardFilter {{ includes('*'); excludes({quoted(source.branch)}) }}",
        "    }",
        "  } } } }",
        "  factory { inlineDefinitionBranchProjectFactory {",
        f"    markerFile({quoted(marker)})",
        f"    script({quoted(pipeline)})",
        "    sandbox(true)",
        "  } }",
        f"  triggers {{ periodicFolderTrigger {{ interval('{poll_minutes}m') }} }}",
        f"  orphanedItemStrategy {{ discardOldItems {{ daysToKeep({DAYS_OF_DELETED_BRANCHES}) }} }}",
        "}",
    ]


def _job(name: str, parameters: Mapping[str, str], pipeline: str, *, triggers: Sequence[str] = ()) -> Sequence[str]:
    return [
        f"pipelineJob({quoted(name)}) {{",
        *(
            [
                "  parameters {",
                *(f"    stringParam({quoted(key)}, {quoted(value)})" for key, value in parameters.items()),
                "  }",
            ]
            if parameters
            else []
        ),
        *(_trigger_properties(triggers) if triggers else []),
        f"  definition {{ cps {{ script({quoted(pipeline)})",
        "    sandbox(true) } }",
        "}",
    ]


def _agents_image(source: config.Source, login: str, triggers: Sequence[str]) -> Sequence[str]:
    """The job that builds the agents' image, by the Jenkinsfile in the platform's repository."""
    return [
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
