"""Blue/green contract of a service: slots, annotations and object names that a release tool relies on."""

from __future__ import annotations

import json
from typing import Any

from contract import labels

BLUE = "blue"
GREEN = "green"
SLOTS = (BLUE, GREEN)

RELEASE_MANAGER = "hello-release"
"""Field manager of the release tool: it owns the slots' `spec` and the slot in the Services' selectors."""

SENTINEL_DIGEST = "sha256:" + 64 * "0"
"""Placeholder digest in the PodTemplate, valid but of no image; the release tool replaces it."""

SMOKE_TEST = "hello-platform/smoke-test"
"""Annotation on the PodTemplate: the smoke test of a new version, as JSON with the keys `path`, `status`, `contains`
(may be null), `tries` and `deadlineSeconds`."""

EXCLUSIVE = "hello-platform/exclusive"
"""Annotation on the PodTemplate: `true` if the old version must stop before the new one starts, else `false`."""

DEPENDS_ON = "hello-platform/depends-on"
"""Annotation on the PodTemplate: JSON list of the services in the same environment that the service calls."""

GRACE_SECONDS = "hello-platform/grace-seconds"
"""Annotation on the PodTemplate: termination grace period in whole seconds."""

CANARY = "hello-platform/canary"
"""Annotation on the PodTemplate of a service with a canary: JSON with the keys `steps`, the weights in percent in their
order, and `secondsPerStep`."""
HOOKS = "hello-platform/hooks"
"""Annotation on the PodTemplate of a service with hooks: JSON object with a key for each (`beforeSwitch`,
`afterSwitch`, `afterRetire`, `afterRollback`), whose value has `command`, `args` and `timeoutSeconds`."""

PREVIEW_REPLICAS = "hello-platform/preview-replicas"
"""Annotation on the PodTemplate of a service with fewer pods of a new version until it has passed its smoke test: their
number."""

MIN_READY_SECONDS = "hello-platform/min-ready-seconds"
"""Annotation on the PodTemplate of a service whose new pods have to be ready for a time: whole seconds, the
`minReadySeconds` of its slots."""

HOOK = "hello-platform/hook"
"""Label of a hook's Job and its pod: which hook it is, one of `HOOK_NAMES`."""

HOOK_NAMES = ("beforeswitch", "afterswitch", "afterretire", "afterrollback")
"""The hooks, as they are spelt in names of objects: with a hyphen in them, the longest name of a Job, which is a label
of its pod, would not fit in 63 characters."""

DASHBOARD = "hello-platform/dashboard"
"""Annotation on the PodTemplate: URL of the environment's dashboard in Kibana."""

ANALYSIS = "hello-platform/analysis"
"""Annotation on the PodTemplate: the analysis of a new version, as JSON with the keys `metrics` (each with `metric`,
and some of `query`, `min`, `max`, `minOfOld`, `maxOfOld`), `seconds`, `limitSeconds`, `minRequests`, `undecided`, and
perhaps `requests` and `prometheus`. A service without an analysis has none."""

TEST_ENVIRONMENT = "dev"
"""Environment, and its namespace, in which images are tried."""

VERIFIED_ENVIRONMENT = "prod"
"""Environment, and its namespace, that accepts only images verified on dev."""

OVERRIDE = "hello-platform/override"
"""Annotation on a slot's pods: the reason why an authorized person admitted an image that is not verified."""

HASH_DIGITS = 10
"""Hexadecimal digits of the content hash in the names of a service's ConfigMap and Secret."""

CONFIGURATION_SUFFIX = f"-[0-9a-f]{{{HASH_DIGITS}}}"
"""Suffix of these names after the service's name, as a regular expression for Python and RE2."""

RELEASE_TAG_PREFIX = "release-"
"""Prefix of the ECR tags of images that are live, warm, verified or recently released; they never expire."""

PORT_NAME = "http"
"""Name of a service's port, on its Services and its pods."""

PORT_POLICY_SUFFIX = r"\.[0-9]+"
"""Regular expression of the end of the name that `port_policy_name` makes."""

SERVICE_PORT = 80
"""Port of every service's Services. It never changes, whatever port the containers listen on: callers' URLs, which live
pods got when they were released, stay right."""


FORWARD_ACTION = "alb.ingress.kubernetes.io/actions."
"""Prefix, before the service's name, of the annotation on the Ingress of a service with a canary: the load balancer's
action, which forwards by weight to the active Service and to the Services of both slots. An admission policy
writes it once, with the whole weight on the active Service; afterwards the weights are the release tool's."""

WARM_SECONDS = 600
"""Time for which a release leaves the old slot's pods running, unless it is told another: for a rollback at once, and
for connections that were open before the switch."""


KEPT_TEMPLATES = 20
"""`revisionHistoryLimit` of a slot: the templates of its last ten releases can be restored. A release changes a slot's
template twice, so that nothing stays of the one before."""


def slot_name(service: str, slot: str) -> str:
    """Name of a slot's Deployment and PodDisruptionBudget, and of its Service if the service has a canary."""
    return f"{service}-{slot}"


def preview_service_name(service: str) -> str:
    """Name of the Service that selects the idle slot."""
    return f"{service}-preview"


def port_policy_name(service: str, port: int) -> str:
    """Name of the NetworkPolicy that admits addresses to a container port of a service; no service's name has a dot."""
    return f"{service}.{port}"


def verified_images_name(service: str) -> str:
    """Name of the ConfigMap with a service's verified images, in `VERIFIED_ENVIRONMENT`.

    Its keys are the 64 hexadecimal digits of each image's digest. It is the parameter of the admission policy.
    """
    return f"verified-{service}"


def history_name(service: str) -> str:
    """Name of the ConfigMap with a service's release history."""
    return f"{service}-releases"


def lock_name(service: str) -> str:
    """Name of the Lease that a running release of a service holds."""
    return f"{service}-release"


def forward_action(service: str) -> str:
    """The initial action of a service with a canary, as JSON: all requests to its active Service.

    The three Services get their target groups, and these their targets, before any weight changes.
    """
    weights = {service: 100, **{slot_name(service, slot): 0 for slot in SLOTS}}
    groups = [{"serviceName": name, "servicePort": PORT_NAME, "weight": weight} for name, weight in weights.items()]
    return json.dumps({"type": "forward", "forwardConfig": {"targetGroups": groups}})


def ingress_names(environment: str) -> tuple[str, ...]:
    """Names that the Ingress of an environment's host may have: by the load balancer that it is on."""
    return environment, f"{environment}-public"


def hook_job_name(service: str, hook: str, release: str) -> str:
    """Name of the Job of a hook: the same for whoever goes on with a release, so that it runs once.

    Args:
        service: The service.
        hook: One of `HOOK_NAMES`.
        release: The release's id in the history.
    """
    return f"{service}-{hook}-{release}"


def contract(namespace: str, service: str) -> dict[str, Any]:
    """Everything that a tool needs in order to read, switch and roll back a service's live slot.

    The live slot itself is not in it: only the cluster knows it, and an output would be stale after the next release.

    Args:
        namespace: The environment's namespace.
        service: The service's name.

    Returns:
        `namespace`, `slots`, `deployments` (by slot), `activeService`, `previewService`, `selectorKey`,
        `podTemplate`, `autoscaler`, `annotations` (keys on the PodTemplate: `smokeTest`, `exclusive`, `dependsOn`,
        `graceSeconds`, `dashboard`, `hooks`), and `commands`: `firstRelease` (with a placeholder for the image),
        `liveSlot`, `switch` (blue to green) and `goBack` (green to blue).
    """
    kubectl = f"kubectl --namespace {namespace}"
    selector = f"/spec/selector/{labels.SLOT}"

    def switch(old: str, new: str) -> str:
        # The `test` fails the patch if the slot was switched in the meantime.
        patch = [{"op": "test", "path": selector, "value": old}, {"op": "replace", "path": selector, "value": new}]
        return f"{kubectl} patch service {service} --type=json --patch='{json.dumps(patch)}'"

    return {
        "namespace": namespace,
        "slots": list(SLOTS),
        "deployments": {slot: slot_name(service, slot) for slot in SLOTS},
        "activeService": service,
        "previewService": preview_service_name(service),
        "selectorKey": labels.SLOT,
        "podTemplate": service,
        "autoscaler": service,
        "annotations": {
            "smokeTest": SMOKE_TEST,
            "exclusive": EXCLUSIVE,
            "dependsOn": DEPENDS_ON,
            "graceSeconds": GRACE_SECONDS,
            "dashboard": DASHBOARD,
            "hooks": HOOKS,
        },
        "commands": {
            "firstRelease": f"{kubectl} get podtemplate {service} --output=json"
            f" | python -m release render --slot {BLUE} --image IMAGE@sha256:DIGEST"
            f" | kubectl apply --server-side --force-conflicts --field-manager={RELEASE_MANAGER} --filename=-",
            "liveSlot": f"{kubectl} get service {service} --output=jsonpath='{{.spec.selector.{labels.SLOT}}}'",
            "switch": switch(BLUE, GREEN),
            "goBack": switch(GREEN, BLUE),
        },
    }
