"""Names that Jenkins, its agents and BuildKit share."""

from __future__ import annotations

from contract import labels
from contract.identities import PREVIEW, RELEASE, VERIFY

NAME = "jenkins"
PORT = 8080
"""Port of the pages, and of the agents, which connect by WebSocket."""

BUILD = "hello-build"
"""Service account of the build agents: its IAM role may push images; it has no rights in Kubernetes."""

BUILDER = {labels.SERVICE: BUILD}
"""Labels of the build agents' pods."""

PREVIEWER = {labels.SERVICE: PREVIEW}
"""Labels of the preview agents' pods."""

SERVICE_ACCOUNTS = {"build": BUILD, "release": RELEASE, "verify": VERIFY, "preview": PREVIEW}
"""Service account of each kind of agent, by the agent label in Jenkinsfiles."""

HOOK_PATH = "/github-webhook/"
"""Webhook path of the GitHub plugin, which answers 400 to a POST that is not signed with the secret.

https://github.com/jenkinsci/github-plugin/blob/v1.47.0/src/main/java/com/cloudbees/jenkins/GitHubWebHook.java
"""

AGENT = "agent"
CACHE = "build-cache"
"""ECR repositories of the agents' image and of the build cache."""

ADMIN = "jenkins-admin"
GIT = "jenkins-git"
HOOK = "jenkins-hook"
BUILDKIT_CLIENT = "buildkit-client"
BUILD_SECRETS = "build-secrets"
STATUS = "jenkins-status"
NOTIFY = "jenkins-notify"
LOGIN = "jenkins-login"
"""Names of Secrets."""
