"""Jenkins' jobs as a Job DSL script: for each service with a source, one job for dev and one for prod. Pure.

https://jenkinsci.github.io/job-dsl-plugin/#path/pipelineJob
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import config
from components.delivery.jenkins.names import GIT, NOTIFY, STATUS

FOLDERS = ("dev", "prod", "checks", "operations", "platform")
CHANGES = ("rollback", "switch", "retire")
LOOKS = ("status", "history")
"""Commands of the release tool that are jobs: those that change which slot serves, and those that only look."""

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
    told = {f"NOTIFY_{name.upper()}": f"{NOTIFY}-{name}" for name in (delivery.notify.clear if delivery.notify else {})}
    pipelines = {
        name: with_environment(text, {}, told if "notify.sh" in text else {}) for name, text in pipelines.items()
    }
    lines = [f"folder({quoted(folder)})" for folder in FOLDERS]
    for service, source in delivery.sources.items():
        image = {
            "SERVICE": service,
            "SOURCE": source.repository,
            "CONTEXT": source.context,
            "DOCKERFILE": source.file,
            "PATHS": " ".join(source.watched),
        }
        # No parameters: who may build could send the login elsewhere, or bring out another repository's image.
        told_dev = {**image, "BRANCH": source.branch, "CREDENTIALS": login, "VERIFY_CHECK": source.check or ""}
        lines += _job(f"dev/{service}", with_environment(pipelines["dev"], told_dev), triggers=triggers)
        lines += _job(f"prod/{service}", with_environment(pipelines["prod"], {"SERVICE": service}))
        if delivery.checks:
            lines += _branches(
                f"checks/{service}",
                source,
                with_environment(
                    pipelines["check"],
                    {**image, "CACHE_TAG": f"{service}-checks"},
                    {"STATUS_TOKEN": f"{STATUS}-token"} if delivery.status_token else {},
                ),
                login=login,
                poll_minutes=delivery.poll_minutes,
                marker=source.file,
            )
    lines += _job("platform/scan", pipelines["scan"], triggers=[f"cron {{ spec({quoted(NIGHTLY)}) }}"])
    if delivery.sources:
        lines += _operations(list(delivery.sources), pipelines)
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


def _operations(services: Sequence[str], pipelines: Mapping[str, str]) -> Sequence[str]:
    """The commands of the release tool as jobs, and the release of several services together."""
    lines = _job("prod/together", pipelines["together"], parameters={"SERVICES": " ".join(services)})
    choices = {"SERVICE": services, "ENVIRONMENT": config.ENVIRONMENTS}
    for command in (*CHANGES, *LOOKS):
        pipeline = pipelines["operate" if command in CHANGES else "look"]
        text = with_environment(pipeline, {"COMMAND": command})
        lines = [*lines, *_job(f"operations/{command}", text, choices=choices)]
    return lines


def with_environment(
    pipeline: str, variables: Mapping[str, str], credentials: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The pipeline with these environment variables, which no parameter of a build can replace.

    Args:
        pipeline: Text of the Jenkinsfile.
        variables: Values by name; an empty one is left out, as Jenkins would.
        credentials: Ids of credentials whose secrets are values, by name; a build's log shows stars instead.
    """
    lines = "".join(f"    {name} = {quoted(value)}\n" for name, value in variables.items() if value)
    lines += "".join(f"    {name} = credentials('{value}')\n" for name, value in credentials.items())
    if not lines:
        return pipeline
    begin, block = "  agent none\n", "  environment {\n"
    if begin + block in pipeline:
        return pipeline.replace(begin + block, begin + block + lines, 1)
    return pipeline.replace(begin, f"{begin}{block}{lines}  }}\n", 1)


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


def _job(
    name: str,
    pipeline: str,
    *,
    parameters: Mapping[str, str] = MappingProxyType({}),
    triggers: Sequence[str] = (),
    choices: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Sequence[str]:
    declared = [f"    stringParam({quoted(key)}, {quoted(value)})" for key, value in parameters.items()]
    for key, values in choices.items():
        declared.append(f"    choiceParam({quoted(key)}, [{', '.join(quoted(value) for value in values)}])")
    return [
        f"pipelineJob({quoted(name)}) {{",
        *(["  parameters {", *declared, "  }"] if declared else []),
        *_properties(triggers),
        f"  definition {{ cps {{ script({quoted(pipeline)})",
        "    sandbox(true) } }",
        "}",
    ]


def _agents_image(source: config.Source, login: str, triggers: Sequence[str]) -> Sequence[str]:
    """The job that builds the agents' image, by the Jenkinsfile in the platform's repository."""
    return [
        "pipelineJob('platform/agent') {",
        *_properties(triggers),
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


def _properties(triggers: Sequence[str]) -> Sequence[str]:
    """One build at a time, and what starts one.

    The pipelines say the first, too, but that counts from a job's first build only, and is lost when this script runs
    again, at each start of the controller.
    """
    starts = ["    pipelineTriggers { triggers {", *(f"      {trigger}" for trigger in triggers), "    } }"]
    return [
        "  properties {",
        "    disableConcurrentBuilds { abortPrevious(false) }",
        *(starts if triggers else []),
        "  }",
    ]
