"""Deletes the ConfigMaps and Secrets of a service that nothing can come to need again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from components import labels
from components.contract import CONFIGURATION
from release.kubernetes_api import KubernetesApiError, KubernetesObject
from release.objects import ObjectApi
from release.state import Seen

KINDS = ("ConfigMap", "Secret")

YOUNG = timedelta(hours=1)
"""A `pulumi up` that is under way makes these objects before the PodTemplate that names them."""

FORBIDDEN = 403


def needed(seen: Seen) -> frozenset[str]:
    """The names that the PodTemplate, a slot or an entry of the history has."""
    entries = (name for entry in seen.history for name in entry.configuration)
    return frozenset((*seen.configuration, *seen.blue.configuration, *seen.green.configuration, *entries))


def superfluous(seen: Seen, found: Iterable[KubernetesObject]) -> list[str]:
    """The names of those that are the program's, for this service, old enough, and not needed."""
    # The program's names end with a hash of the content; the records of releases are ConfigMaps, too.
    ours = re.compile(re.escape(seen.service) + CONFIGURATION)
    return sorted(
        str(one["metadata"]["name"])
        for one in found
        if ours.fullmatch(one["metadata"]["name"])
        and one["metadata"]["name"] not in needed(seen)
        and seen.now - datetime.fromisoformat(one["metadata"]["creationTimestamp"]) > YOUNG
    )


def collect(api: ObjectApi, seen: Seen, report: Callable[[str], None]) -> list[str]:
    """Deletes them, by metadata only: no value of a Secret leaves the API server.

    Returns:
        Kind and name of each that was deleted.
    """
    deleted: list[str] = []
    for kind in KINDS:
        try:
            found = api.list(
                "v1",
                kind,
                namespace=seen.environment,
                label_selector=f"{labels.SERVICE}={seen.service}",
                metadata_only=True,
            )
            for name in superfluous(seen, found):
                api.delete("v1", kind, name, seen.environment)
                deleted.append(f"{kind} {name}")
        except KubernetesApiError as error:
            if error.status != FORBIDDEN:
                raise
            report(f"{kind}s that nothing names stay: this identity may not list or delete them")
    return deleted
