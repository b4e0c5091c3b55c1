"""Jenkins' configuration as code. Pure: what the controller is told, as JSON, which is YAML too.

https://plugins.jenkins.io/configuration-as-code/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from components.delivery.jenkins.names import GIT, HOOK


def literal(text: str) -> str:
    """Text in which the plugin replaces nothing.

    https://github.com/jenkinsci/configuration-as-code-plugin/blob/master/docs/features/secrets.adoc
    """
    return text.replace("${", "^${")


def configuration(*, variables: Mapping[str, str], jobs: str, git: bool, hook: bool) -> str:
    """The whole of it, on top of what the chart says: security, agents, its own address.

    Args:
        variables: Environment variables of every build.
        jobs: The Job DSL script.
        git: Whether sources want the login that the Secret `GIT` has.
        hook: Whether GitHub tells of pushes, signed by what the Secret `HOOK` has.
    """
    told: dict[str, Any] = {
        "jenkins": {
            "systemMessage": "Made from code. What is changed here is gone at the next start.",
            "quietPeriod": 5,
            "globalNodeProperties": [
                {"envVars": {"env": [{"key": name, "value": value} for name, value in variables.items()]}}
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
    if hook:
        # SYSTEM: the controller alone has it, no job.
        secret = {"scope": "SYSTEM", "id": HOOK, "secret": f"${{{HOOK}-secret}}", "description": "Signs webhooks"}
        credentials.append({"string": secret})
        signed = {"credentialsId": HOOK, "signatureAlgorithm": "SHA256"}
        told["unclassified"] = {"gitHubPluginConfig": {"hookSecretConfigs": [signed]}}
    if credentials:
        told["credentials"] = {"system": {"domainCredentials": [{"credentials": credentials}]}}
    return json.dumps(told, indent=1)
