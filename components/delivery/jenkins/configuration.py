"""Jenkins' configuration as code (JCasC), as JSON, which is also YAML. Pure.

https://plugins.jenkins.io/configuration-as-code/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from components.delivery.jenkins.names import GIT, HOOK


def literal(text: str) -> str:
    """The text with `${` escaped, so that the plugin does not interpolate it.

    https://github.com/jenkinsci/configuration-as-code-plugin/blob/master/docs/features/secrets.adoc
    """
    return text.replace("${", "^${")


def for_the_chart(document: Any) -> str:
    """A document as JSON without `{{`, which the chart would take for a template's.

    https://github.com/jenkinsci/helm-charts/blob/jenkins-5.9.53/charts/jenkins/templates/jcasc-config.yaml (`tpl`)
    """
    return json.dumps(document, indent=1).replace("{{", r"{\u007b")


def configuration(*, variables: Mapping[str, str], jobs: str, git: bool, hook: bool, tokens: Mapping[str, str]) -> str:
    """The configuration, which the chart merges with its own: security realm, agents, Jenkins' URL.

    Args:
        variables: Environment variables of every build.
        jobs: The Job DSL script.
        git: Whether sources need the login in the Secret `GIT`.
        hook: Whether GitHub sends webhooks, signed with the key in the Secret `HOOK`.
        tokens: What each secret text is for that pipelines use, by its id, `SECRET-KEY`.
    """
    document: dict[str, Any] = {
        "jenkins": {
            "systemMessage": "Made from code. What is changed here is gone at the next start.",
            "quietPeriod": 5,
            "globalNodeProperties": [
                {"envVars": {"env": [{"key": name, "value": literal(value)} for name, value in variables.items()]}}
            ],
        },
        "security": {"globalJobDslSecurityConfiguration": {"useScriptSecurity": False}},
        "jobs": [{"script": literal(jobs)}],
    }
    credentials: list[dict[str, Any]] = []
    if git:
        login = {
            "scope": "GLOBAL",
            "id": GIT,
            "username": f"${{{GIT}-username}}",
            "password": f"${{{GIT}-token}}",
            "description": "Reads the services' sources",
        }
        credentials.append({"usernamePassword": login})
    for name, purpose in tokens.items():
        text = {"scope": "GLOBAL", "id": name, "secret": f"${{{name}}}", "description": purpose}
        credentials.append({"string": text})
    if hook:
        # SYSTEM: available to the controller, not to jobs.
        secret = {"scope": "SYSTEM", "id": HOOK, "secret": f"${{{HOOK}-secret}}", "description": "Signs webhooks"}
        credentials.append({"string": secret})
        signature = {"credentialsId": HOOK, "signatureAlgorithm": "SHA256"}
        document["unclassified"] = {"gitHubPluginConfig": {"hookSecretConfigs": [signature]}}
    if credentials:
        document["credentials"] = {"system": {"domainCredentials": [{"credentials": credentials}]}}
    return for_the_chart(document)
