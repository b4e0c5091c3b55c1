"""The schema of Jenkins' configuration as code, as far as the program uses it.

A controller generates the schema from its plugins, and none is published: these are the attributes that the plugins
document.
https://github.com/jenkinsci/configuration-as-code-plugin/tree/master/demos
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

SCHEMA: dict[str, Any] = {
    "jenkins": {
        "systemMessage": str,
        "quietPeriod": int,
        "globalNodeProperties": [{"envVars": {"env": [{"key": str, "value": str}]}}],
    },
    "security": {"globalJobDslSecurityConfiguration": {"useScriptSecurity": bool}},
    "credentials": {
        "system": {
            "domainCredentials": [
                {
                    "credentials": [
                        {
                            "usernamePassword": {
                                "scope": str,
                                "id": str,
                                "username": str,
                                "password": str,
                                "description": str,
                            },
                            "string": {"scope": str, "id": str, "secret": str, "description": str},
                        }
                    ]
                }
            ]
        }
    },
    # The setters of GitHubPluginConfig, the constructor of HookSecretConfig:
    # https://github.com/jenkinsci/github-plugin/tree/v1.47.0/src/main/java/org/jenkinsci/plugins/github/config
    "unclassified": {"gitHubPluginConfig": {"hookSecretConfigs": [{"credentialsId": str, "signatureAlgorithm": str}]}},
    # https://github.com/jenkinsci/job-dsl-plugin/wiki/JCasC
    "jobs": [{"script": str}],
}

SECURITY_REALM: dict[str, Any] = {
    # https://github.com/jenkinsci/oic-auth-plugin/blob/f202e42/src/test/resources/org/jenkinsci/plugins/oic/ConfigurationAsCode.yml,
    # …/ConfigurationAsCodeMinimalWellKnown.yml
    "oic": {
        "clientId": str,
        "clientSecret": str,
        "serverConfiguration": {"wellKnown": {"wellKnownOpenIDConfigurationUrl": str}},
        "userNameField": str,
        "groupsFieldName": str,
        "properties": [{"escapeHatch": {"username": str, "group": str, "secret": str}}],
    },
    # https://github.com/jenkinsci/configuration-as-code-plugin/blob/master/demos/github-oauth/README.md
    "github": {
        "githubWebUri": str,
        "githubApiUri": str,
        "clientID": str,
        "clientSecret": str,
        "oauthScopes": str,
    },
}

# https://github.com/jenkinsci/matrix-auth-plugin/blob/master/src/test/resources/org/jenkinsci/plugins/matrixauth/integrations/casc/configuration-as-code-v3.yml
AUTHORIZATION: dict[str, Any] = {"globalMatrix": {"entries": [{"group": {"name": str, "permissions": [str]}}]}}

POD_TEMPLATES: list[Any] = [
    {
        "name": str,
        "label": str,
        "nodeUsageMode": str,
        "serviceAccount": str,
        "yamlMergeStrategy": str,
        "instanceCap": int,
        "yaml": str,
    }
]
"""https://github.com/jenkinsci/kubernetes-plugin/blob/master/README.md."""


def unknown(value: Any, schema: Any = SCHEMA, path: str = "$") -> Iterator[str]:
    """Yields the path of each value that a schema does not have."""
    if isinstance(schema, dict):
        allowed = cast("dict[str, Any]", schema)
        if not isinstance(value, dict):
            yield f"{path}: not an object"
            return
        for key, item in cast("dict[str, Any]", value).items():
            if key in allowed:
                yield from unknown(item, allowed[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(schema, list):
        if not isinstance(value, list):
            yield f"{path}: not a list"
            return
        for item in cast("list[Any]", value):
            yield from unknown(item, cast("list[Any]", schema)[0], f"{path}[]")
    elif not isinstance(value, schema):
        yield f"{path}: not {schema.__name__}"
