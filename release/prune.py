"""Deletes configuration (ConfigMaps and Secrets) of a service that nothing refers to any more."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from contract import labels
from contract.blue_green import CONFIGURATION_SUFFIX
from kube.client import KubernetesObject
from release.objects import ObjectApi
from release.state import ServiceState

MIN_AGE = timedelta(hours=1)
"""A `pulumi up` that is under way creates configuration before the PodTemplate that refers to it."""


def needed(state: ServiceState) -> frozenset[str]:
    """Names of the configuration that the PodTemplate, a slot or an entry of the history refers to."""
    entries = (name for entry in state.history for name in entry.configuration)
    return frozenset((*state.configuration, *state.blue.configuration, *state.green.configuration, *entries))


def prunable(state: ServiceState, config_maps: Iterable[KubernetesObject]) -> list[str]:
    """Names of the ConfigMaps that are this service's configuration, older than `MIN_AGE`, and not needed."""
    # The names of configuration end with a hash of its content; those of release histories and records do not.
    configuration = re.compile(re.escape(state.service) + CONFIGURATION_SUFFIX)
    return sorted(
        str(metadata["name"])
        for metadata in (config_map["metadata"] for config_map in config_maps)
        if configuration.fullmatch(metadata["name"])
        and metadata["name"] not in needed(state)
        and state.now - datetime.fromisoformat(metadata["creationTimestamp"]) > MIN_AGE
    )


def prune(api: ObjectApi, state: ServiceState) -> list[str]:
    """Deletes ConfigMaps that are not needed. Kubernetes deletes the Secret of the same name, which each owns.

    So the tool needs no right to Secrets: a right to list them would be one to read them.

    Returns:
        Names of the deleted ConfigMaps.
    """
    config_maps = api.list(
        "v1",
        "ConfigMap",
        namespace=state.environment,
        label_selector=f"{labels.SERVICE}={state.service}",
        metadata_only=True,
    )
    deleted = prunable(state, config_maps)
    for name in deleted:
        api.delete("v1", "ConfigMap", name, state.environment)
    return deleted
