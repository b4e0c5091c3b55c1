"""Fields of the events of releases, which the reconciler logs as JSON: they go to the environment of the service.

Only its own pod's lines count: whatever a service logs, it makes no event of a release.
"""

from __future__ import annotations

from components.logging.fluentd.syntax import Section, filter_, section
from contract.identities import RECONCILER
from contract.namespaces import DELIVERY

TAGS = f"**.log.pods.{DELIVERY}_{RECONCILER}-*.reconciler.**"
"""Tags of the reconciler's lines: the paths of its log files."""

FIELDS = ("release", "release_event", "environment")
"""Names, those of `release.announcements.Announcement` in JSON: a sentence, its kind, and the environment."""


def of_reconciler() -> Section:
    """The filter that adds `FIELDS` to the events of releases; other lines of the reconciler have none of them."""
    return filter_(
        "record_modifier",
        {},
        section("record", {name: f'${{record.dig("json", "{name}")}}' for name in FIELDS}),
        tags=TAGS,
    )
