"""The blue/green contract of a service: what the release tool, and any other, may rely on. Needs no Pulumi."""

from __future__ import annotations

import json
from typing import Any

from contract import labels

BLUE = "blue"
GREEN = "green"
SLOTS = (BLUE, GREEN)

RELEASE_MANAGER = "hello-release"
"""Field manager of what the release tool writes: the slots' `spec`, and the slot in the Services' selectors."""

SENTINEL_DIGEST = "sha256:" + 64 * "0"
"""Digest of no image: the PodTemplate names it where the release tool puts the real one. Valid, never pulled."""

SMOKE_TEST = "hello-platform/smoke-test"
"""On the PodTemplate: the request that a new version answers first, as JSON: `path`, `status`, `contains` or null,
`tries`, `deadlineSeconds`."""

EXCLUSIVE = "hello-platform/exclusive"
"""On the PodTemplate: `true` or `false`, whether the old version ends before the new one starts."""

DEPENDS_ON = "hello-platform/depends-on"
"""On the PodTemplate: the services of the same environment that it calls, as a JSON list."""

GRACE_SECONDS = "hello-platform/grace-seconds"
"""On the PodTemplate: how long an ending pod may take, in whole seconds."""

VERIFIED_ENVIRONMENT = "prod"
"""The environment that takes only images which were tried before: its name is its namespace's."""

OVERRIDE = "hello-platform/override"
"""On a slot's pods: why an image that nobody tried was let in, by a person with the right to."""

HASH_DIGITS = 10
"""Of the hash of what is in a service's ConfigMap and Secret, in their names."""

CONFIGURATION = f"-[0-9a-f]{{{HASH_DIGITS}}}"
"""How these names end, after the service's: a regular expression for Python and for RE2."""

RELEASE_TAG_PREFIX = "release-"
"""Of ECR tags: images that are live, warm, verified or recently released. No lifecycle rule expires any."""


PORT_NAME = "http"
"""Name of the port by which a service is asked: on its Services and its pods."""


def slot_name(service: str, slot: str) -> str:
    """Name of a slot: of its Deployment and its PodDisruptionBudget."""
    return f"{service}-{slot}"


def preview(service: str) -> str:
    """Name of the Service that leads to the slot which is not live."""
    return f"{service}-preview"


def records(service: str) -> str:
    """Name of the ConfigMap of a service's verified images, in the environment that needs them.

    A key is a digest's 64 hexadecimal digits. Admission has it as its policy's parameter.
    """
    return f"verified-{service}"


def history(service: str) -> str:
    """Name of the ConfigMap of a service's last releases."""
    return f"{service}-releases"


def lock(service: str) -> str:
    """Name of the Lease that one release of a service holds at a time."""
    return f"{service}-release"


def contract(namespace: str, service: str) -> dict[str, Any]:
    """Everything another tool needs to see, switch and take back a service's live slot.

    It names no live slot: that is the cluster's to say, and an output would be stale after the first release.

    Args:
        namespace: The environment's namespace.
        service: The service's name.

    Returns:
        `namespace`, `slots`, `deployments` (by slot), `activeService`, `previewService`, `selectorKey`,
        `podTemplate`, `autoscaler`, `annotations` (keys on the PodTemplate: `smokeTest`, `exclusive`, `dependsOn`,
        `graceSeconds`), and `commands`: `firstRelease` (put your image in its place), `liveSlot`, `switch` (blue to
        green) and `goBack` (green to blue).
    """
    kubectl = f"kubectl --namespace {namespace}"
    selector = f"/spec/selector/{labels.SLOT}"

    def move(old: str, new: str) -> str:
        # The `test` makes a lost race an error instead of a second switch.
        patch = [{"op": "test", "path": selector, "value": old}, {"op": "replace", "path": selector, "value": new}]
        return f"{kubectl} patch service {service} --type=json --patch='{json.dumps(patch)}'"

    return {
        "namespace": namespace,
        "slots": list(SLOTS),
        "deployments": {slot: slot_name(service, slot) for slot in SLOTS},
        "activeService": service,
        "previewService": preview(service),
        "selectorKey": labels.SLOT,
        "podTemplate": service,
        "autoscaler": service,
        "annotations": {
            "smokeTest": SMOKE_TEST,
            "exclusive": EXCLUSIVE,
            "dependsOn": DEPENDS_ON,
            "graceSeconds": GRACE_SECONDS,
        },
        "commands": {
            "firstRelease": f"{kubectl} get podtemplate {service} --output=json"
            f" | python -m release render --slot {BLUE} --image IMAGE@sha256:DIGEST"
            f" | kubectl apply --server-side --force-conflicts --field-manager={RELEASE_MANAGER} --filename=-",
            "liveSlot": f"{kubectl} get service {service} --output=jsonpath='{{.spec.selector.{labels.SLOT}}}'",
            "switch": move(BLUE, GREEN),
            "goBack": move(GREEN, BLUE),
        },
    }
