"""CEL expressions on the images of a Deployment or a Job, in the environment that admits verified images only.

The policies match Deployments and Jobs, not pods: a restart of a live pod must never depend on a verification record.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from contract import labels
from contract.blue_green import OVERRIDE, SENTINEL_DIGEST, SLOTS
from contract.signatures import mark

_POD = "spec.template.spec"


def _images(deployment: str) -> str:
    containers = f"{deployment}.{_POD}.containers.map(one, one.image)"
    return f"{containers} + {deployment}.{_POD}.?initContainers.orValue([]).map(one, one.image)"


IS_JOB = "request.resource.resource == 'jobs'"

VARIABLES = {
    "service": f"{IS_JOB} ? object.metadata.?labels['{labels.SERVICE}'].orValue('') : "
    "object.metadata.name.substring(0, object.metadata.name.lastIndexOf('-'))",
    "slot": "object.metadata.name.substring(object.metadata.name.lastIndexOf('-') + 1)",
    "images": _images("object"),
    "kept": f"oldObject != null && variables.images == {_images('oldObject')}",
    "reason": f"object.spec.template.?metadata.?annotations[?'{OVERRIDE}'].orValue('')",
    "person": "authorizer.group('').resource('configmaps').namespace(object.metadata.namespace)"
    ".name('verified-' + variables.service).check('override').allowed()",
}
"""Variables of the policies, by name.

`kept` is true where the images are unchanged, so that scaling needs no record. `reason` is the text of the override's
annotation; `person` is true where the user has the verb `override` on the service's records.
"""

IS_SENTINEL = f"endsWith('@{SENTINEL_DIGEST}')"

STARTS_EMPTY = f"request.operation != 'CREATE' || {IS_JOB} || variables.images.all(image, image.{IS_SENTINEL})"
"""A new Deployment has the sentinel image, so that every real image comes by an update, which `is_verified` checks."""

SENTINEL_HAS_NO_PODS = (
    f"(!({IS_JOB}) && object.spec.replicas == 0) || !variables.images.exists(image, image.{IS_SENTINEL})"
)


def is_slot(services: Sequence[str]) -> str:
    """True for a Deployment whose name is that of a service's slot, and for a Job with a service's label."""
    is_service = f"variables.service in {json.dumps(list(services))}"
    return f"{is_service} && ({IS_JOB} || variables.slot in {json.dumps(list(SLOTS))})"


def is_own_image(registry: str) -> str:
    """True where each image is from the service's own ECR repository, by digest.

    Args:
        registry: The URL of the repositories up to the service's name; ends with `/`.
    """
    start = f"'{registry}' + variables.service + '@sha256:'"
    # The regular expression covers the digits only: in a URL, the dots would have to be escaped.
    digits = "image.substring(image.indexOf('@sha256:') + 8).matches('^[0-9a-f]{64}$')"
    return f"variables.kept || variables.images.all(image, image.startsWith({start}) && {digits})"


def is_verified(signing_key: str | None) -> str:
    """True where each image has a verification record, or a user with the right to override gives a reason.

    Args:
        signing_key: ARN of the KMS key's alias that a record names, whose writer checked the image's signature with it;
            None where images need no signature.
    """
    digits = "image.substring(image.indexOf('@sha256:') + 8)"
    signed = f" && params.data[{digits}].contains({json.dumps(mark(signing_key))})" if signing_key else ""
    return (
        f"variables.kept || variables.images.all(image, image.{IS_SENTINEL} || "
        f"(has(params.data) && {digits} in params.data{signed})) || "
        "(variables.reason != '' && variables.person)"
    )
