"""What the release tool needs to know of a service besides its pod, on the PodTemplate."""

from __future__ import annotations

import json

import settings
from components import contract
from components.pod_template import grace_seconds


def release_annotations(spec: settings.Service) -> dict[str, str]:
    """The contract's annotations of a service; what they mean stands with their keys."""
    smoke_test = {**spec.smoke_test.model_dump(by_alias=True), "path": spec.smoke_test.path or spec.health_path}
    return {
        contract.SMOKE_TEST: json.dumps(smoke_test, sort_keys=True),
        contract.EXCLUSIVE: json.dumps(spec.exclusive),
        contract.DEPENDS_ON: json.dumps(spec.egress.services),
        contract.GRACE_SECONDS: str(grace_seconds(spec)),
    }
