"""Who may what in Jenkins: the security realm and the authorization strategy, as configuration as code. Pure."""

from __future__ import annotations

import json
from typing import Any

import config
from components.delivery.jenkins.names import LOGIN

LOOK = ("Overall/Read", "Job/Read", "View/Read")
BUILD = (*LOOK, "Job/Build", "Job/Cancel")
ADMINISTER = ("Overall/Administer",)
"""Permissions of each role. Who may approve is told by each question, in its `submitter`.

https://github.com/jenkinsci/matrix-auth-plugin/blob/master/README.md
"""

EMERGENCY = "emergency"
"""Group of `admin`, who logs in without the provider."""


def realm(login: config.Login) -> str:
    """The security realm, as JSON, which is also YAML.

    https://github.com/jenkinsci/oic-auth-plugin/blob/master/docs/configuration/README.md,
    https://github.com/jenkinsci/configuration-as-code-plugin/blob/master/demos/github-oauth/README.md
    """
    client = {"clientSecret": f"${{{LOGIN}-secret}}"}
    if login.oidc:
        escape = {"username": "${chart-admin-username}", "group": EMERGENCY, "secret": "${chart-admin-password}"}
        realm: dict[str, Any] = {
            "oic": {
                **client,
                "clientId": login.client_id,
                "serverConfiguration": {"wellKnown": {"wellKnownOpenIDConfigurationUrl": login.oidc.discovery_url}},
                "userNameField": login.oidc.user_claim,
                "groupsFieldName": login.oidc.groups_claim,
                "properties": [{"escapeHatch": escape}],
            }
        }
    else:
        realm = {
            "github": {
                "githubWebUri": "https://github.com",
                "githubApiUri": "https://api.github.com",
                "clientID": login.client_id,
                **client,
                "oauthScopes": "read:org",
            }
        }
    return json.dumps(realm, indent=1)


def strategy(login: config.Login) -> str:
    """The authorization strategy, as JSON: a matrix of groups. Who is in none of them sees nothing."""
    roles = dict.fromkeys(login.look, LOOK)
    roles |= dict.fromkeys([*login.build, *login.approve], BUILD)
    roles |= dict.fromkeys([*login.administer, EMERGENCY], ADMINISTER)
    entries = [{"group": {"name": name, "permissions": list(permissions)}} for name, permissions in roles.items()]
    return json.dumps({"globalMatrix": {"entries": entries}}, indent=1)
