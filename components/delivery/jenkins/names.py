"""What Jenkins, its agents, and what builds for them call one another."""

from __future__ import annotations

from contract import labels
from contract.identities import PREVIEW, RELEASE, VERIFY

NAME = "jenkins"
PORT = 8080
"""Of its pages and of its agents, which come by WebSocket."""

BUILD = "hello-build"
"""Service account of the agents that build: it may push images, and asks nothing of the Kubernetes API."""

BUILDER = {labels.SERVICE: BUILD}
"""Labels of their pods."""

PREVIEWER = {labels.SERVICE: PREVIEW}
"""Labels of the pods that preview."""

SERVICE_ACCOUNTS = {"build": BUILD, "release": RELEASE, "verify": VERIFY, "preview": PREVIEW}
"""Of each kind of agent, by the label that a Jenkinsfile asks for."""

HOOK_PATH = "/github-webhook/"
"""The GitHub plugin's: a POST that is not signed by the secret is answered 400.

https://github.com/jenkinsci/github-plugin/blob/v1.47.0/src/main/java/com/cloudbees/jenkins/GitHubWebHook.java
"""

AGENT = "agent"
CACHE = "build-cache"
"""ECR repositories of the agents' image and of the layers between builds."""

ADMIN = "jenkins-admin"
GIT = "jenkins-git"
HOOK = "jenkins-hook"
BUILDKIT_CLIENT = "buildkit-client"
"""Secrets."""
