"""Which images a Deployment may have where only tried ones are let in: in CEL.

Deployments and not pods are asked: a live pod that restarts must never depend on a record.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from contract.blue_green import OVERRIDE, SENTINEL_DIGEST, SLOTS

_POD = "spec.template.spec"


def _images(of: str) -> str:
    containers = f"{of}.{_POD}.containers.map(one, one.image)"
    return f"{containers} + {of}.{_POD}.?initContainers.orValue([]).map(one, one.image)"


VARIABLES = {
    "service": "object.metadata.name.substring(0, object.metadata.name.lastIndexOf('-'))",
    "slot": "object.metadata.name.substring(object.metadata.name.lastIndexOf('-') + 1)",
    "images": _images("object"),
    "kept": f"oldObject != null && variables.images == {_images('oldObject')}",
    "reason": f"object.spec.template.?metadata.?annotations[?'{OVERRIDE}'].orValue('')",
    "person": "authorizer.group('').resource('configmaps').namespace(object.metadata.namespace)"
    ".name('verified-' + variables.service).check('override').allowed()",
}
"""By name. `kept` is that the images are those from before: who only scales needs no record."""

IS_SENTINEL = f"endsWith('@{SENTINEL_DIGEST}')"

STARTS_EMPTY = f"request.operation != 'CREATE' || variables.images.all(image, image.{IS_SENTINEL})"
"""A Deployment is made with no image, so that each one comes in by an update, which is asked for its record."""

SENTINEL_HAS_NO_PODS = f"object.spec.replicas == 0 || !variables.images.exists(image, image.{IS_SENTINEL})"


def is_slot(services: Sequence[str]) -> str:
    """That a Deployment is a slot of a service."""
    return f"variables.service in {json.dumps(list(services))} && variables.slot in {json.dumps(list(SLOTS))}"


def is_ours(registry: str) -> str:
    """That each image is from its service's own repository, by digest.

    Args:
        registry: What the repositories' URLs begin with, before the service's name; ends with `/`.
    """
    start = f"'{registry}' + variables.service + '@sha256:'"
    # The digits alone are matched: a pattern would need the URL's dots escaped.
    digits = "image.substring(image.indexOf('@sha256:') + 8).matches('^[0-9a-f]{64}$')"
    return f"variables.kept || variables.images.all(image, image.startsWith({start}) && {digits})"


IS_VERIFIED = (
    f"variables.kept || variables.images.all(image, image.{IS_SENTINEL} || "
    "(has(params.data) && image.substring(image.indexOf('@sha256:') + 8) in params.data)) || "
    "(variables.reason != '' && variables.person)"
)
"""That each image has a record, or a person with the right to says why not."""
