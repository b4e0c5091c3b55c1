"""Amazon Data Lifecycle Manager's policies: records only, no snapshots are taken."""

from __future__ import annotations

import uuid

from rehearsal.emulators.aws.kind import Kind, arn

KINDS = (
    Kind(
        type="aws:dlm/lifecyclePolicy:LifecyclePolicy",
        make_id=lambda _: f"policy-{uuid.uuid4().hex[:17]}",
        attributes={"arn": arn("dlm", "policy/{id}")},
    ),
)
