"""Deletes the configuration of a service that nothing can come to need again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from contract import labels
from contract.blue_green import CONFIGURATION
from kube.client import KubernetesObject
from release.objects import ObjectApi
from release.state import ServiceState

YOUNG = timedelta(hours=1)
"""A `pulumi up` that is under way makes these objects before the PodTemplate that names them."""


def needed(seen: ServiceState) -> frozenset[str]:
    """The names that the PodTemplate, a slot or an entry of the history has."""
    entries = (name for entry in seen.history for name in entry.configuration)
    return frozenset((*seen.configuration, *seen.blue.configuration, *seen.green.configuration, *entries))


def prunable(seen: ServiceState, found: Iterable[KubernetesObject]) -> list[str]:
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


def collect(api: ObjectApi, seen: ServiceState) -> list[str]:
    """Deletes ConfigMaps. Each owns the Secret of its name, if there is one, and Kubernetes takes that along.

    So this needs no right to any Secret: who may list them reads them.

    Returns:
        The name of each that was deleted.
    """
    found = api.list(
        "v1",
        "ConfigMap",
        namespace=seen.environment,
        label_selector=f"{labels.SERVICE}={seen.service}",
        metadata_only=True,
    )
    deleted = prunable(seen, found)
    for name in deleted:
        api.delete("v1", "ConfigMap", name, seen.environment)
    return deleted
