"""Deletes what a service refers to no more: configuration (ConfigMaps and Secrets), NetworkPolicies of old ports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from contract import labels
from contract.blue_green import CONFIGURATION_SUFFIX, PORT_POLICY_SUFFIX, port_policy_name
from kube.client import KubernetesObject
from release.objects import ObjectApi
from release.state import ServiceState

MIN_AGE = timedelta(hours=1)
"""A `pulumi up` that is under way creates these objects before the PodTemplate that refers to them."""

KINDS = (("v1", "ConfigMap"), ("networking.k8s.io/v1", "NetworkPolicy"))


def needed(state: ServiceState) -> frozenset[str]:
    """Names of the objects that are still referred to.

    Configuration by the PodTemplate, a slot or an entry of the history; policies by a port on which the PodTemplate, a
    slot or a pod listens.
    """
    entries = (name for entry in state.history for name in entry.configuration)
    policies = (port_policy_name(state.service, port) for port in state.ports)
    return frozenset((*state.configuration, *state.blue.configuration, *state.green.configuration, *entries, *policies))


def prunable(state: ServiceState, objects: Iterable[KubernetesObject]) -> list[str]:
    """Names of this service's configuration and policies of ports that are older than `MIN_AGE` and not needed."""
    # The names of configuration end with a hash of its content; those of release histories and records do not.
    suffixes = [CONFIGURATION_SUFFIX, *([PORT_POLICY_SUFFIX] if state.ports else [])]
    ours = re.compile(f"{re.escape(state.service)}({'|'.join(suffixes)})")
    return sorted(
        str(metadata["name"])
        for metadata in (one["metadata"] for one in objects)
        if ours.fullmatch(metadata["name"])
        and metadata["name"] not in needed(state)
        and state.now - datetime.fromisoformat(metadata["creationTimestamp"]) > MIN_AGE
    )


def prune(api: ObjectApi, state: ServiceState) -> list[str]:
    """Deletes what is not needed. Kubernetes deletes the Secret of a ConfigMap's name, which each owns.

    So the tool needs no right to Secrets: a right to list them would be one to read them.

    Returns:
        Names of the deleted objects, each after its kind.
    """
    deleted: list[str] = []
    for version, kind in KINDS:
        selector = f"{labels.SERVICE}={state.service}"
        found = api.list(version, kind, namespace=state.environment, label_selector=selector, metadata_only=True)
        for name in prunable(state, found):
            api.delete(version, kind, name, state.environment)
            deleted.append(f"{kind} {name}")
    return deleted
