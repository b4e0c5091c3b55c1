"""Amazon Data Lifecycle Manager's policies: records only, no snapshots are taken."""

from __future__ import annotations

import uuid

from rehearsal.emulators.aws import rules
from rehearsal.emulators.aws.kind import Kind, arn

KINDS = (
    Kind(
        type="aws:dlm/lifecyclePolicy:LifecyclePolicy",
        make_id=lambda _: f"policy-{uuid.uuid4().hex[:17]}",
        rules={"executionRoleArn": rules.arn("iam"), "state": rules.one_of("ENABLED", "DISABLED")},
        attributes={"arn": arn("dlm", "policy/{id}")},
    ),
)
