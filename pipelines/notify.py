"""Tells people the result of a build: `python -m pipelines.notify`. Without an answer the build goes on.

`NOTIFY_SLACK`, `NOTIFY_TEAMS` and `NOTIFY_WEBHOOK` are the URLs that are told, as far as they are set. Each is a
secret: whoever knows it can post.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

TIMEOUT_SECONDS = 10

FIELDS = {
    "service": "SERVICE",
    "image": "IMAGE",
    "result": "RESULT",
    "build": "BUILD_URL",
    "job": "JOB_NAME",
    "approver": "APPROVER",
}
"""Fields of the plain message, and the environment variables with their values."""


def webhook(environment: Mapping[str, str]) -> dict[str, Any]:
    """The plain message; a variable that is not set or empty becomes null."""
    return {name: environment.get(variable) or None for name, variable in FIELDS.items()}


def slack(environment: Mapping[str, str]) -> dict[str, Any]:
    """The message of a Slack incoming webhook, with a link in Slack's markup.

    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    """
    told = webhook(environment)
    # https://docs.slack.dev/messaging/formatting-message-text#escaping
    text = _sentence(told).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": f"{text} <{told['build']}|Build>" if told["build"] else text}


def teams(environment: Mapping[str, str]) -> dict[str, Any]:
    """The message of a Teams workflow *Post to a channel when a webhook request is received*: one Adaptive Card.

    https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
    """
    told = webhook(environment)
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "body": [{"type": "TextBlock", "text": _sentence(told), "wrap": True}],
        "actions": [{"type": "Action.OpenUrl", "title": "Build", "url": told["build"]}] if told["build"] else [],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _sentence(told: Mapping[str, str | None]) -> str:
    parts = [f"{told['job'] or told['service']}: {told['result']}"]
    if told["image"]:
        parts.append(told["image"])
    if told["approver"]:
        parts.append(f"approved by {told['approver']}")
    return ", ".join(parts)


MESSAGES: Mapping[str, Callable[[Mapping[str, str]], dict[str, Any]]] = {
    "NOTIFY_SLACK": slack,
    "NOTIFY_TEAMS": teams,
    "NOTIFY_WEBHOOK": webhook,
}
"""The message by the variable with its URL."""


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Posts the messages; the exit code is 1 only if a URL is not https."""
    code = 0
    for variable, message in MESSAGES.items():
        url = environment.get(variable)
        if not url:
            continue
        if not url.startswith("https://"):
            sys.stderr.write(f"error: {variable}: must begin with https://\n")
            code = 1
            continue
        body = json.dumps(message(environment)).encode()
        request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310 - https only
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310 - likewise
                pass
        except OSError as error:  # its text has no URL
            sys.stderr.write(f"{variable} did not accept the message: {error}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
