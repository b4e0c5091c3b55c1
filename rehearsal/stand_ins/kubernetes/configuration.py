"""The provider's own configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml

from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.kubernetes import kubeconfig
from rehearsal.stand_ins.kubernetes.properties import UNKNOWN, PropertyBag
from rehearsal.stand_ins.kubernetes.replacements import Mutability

_PREFIX = "kubernetes:config:"
_CLUSTER_KEYS = ("kubeconfig", "context", "cluster")
_IDENTIFIER = "clusterIdentifier"


@dataclass(frozen=True)
class Options:
    """How the provider behaves.

    Attributes:
        kubeconfig: A kubeconfig's text or path; None for that of the environment variable KUBECONFIG.
        context: Context to use instead of the current one.
        cluster: Cluster to use instead of the context's.
        namespace: Namespace for objects that name none; None for the context's.
        upsert: Creating an object that exists applies to it instead of failing.
        force: Applies take over other managers' fields instead of conflicting.
        delete_unreachable: Objects of a cluster that cannot be reached are dropped from the state.
        mutability: What is changed in place.
    """

    kubeconfig: str | None
    context: str | None
    cluster: str | None
    namespace: str | None
    upsert: bool
    force: bool
    delete_unreachable: bool
    mutability: Mutability

    @classmethod
    def of(cls, variables: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> Options:
        """Reads the engine's variables, and for switches the environment where they are not set.

        Raises:
            RehearsalError: A mode is asked for that the stand-in does not have.
        """

        def text(name: str) -> str | None:
            return variables.get(_PREFIX + name) or None

        def switch(name: str, variable: str, *, default: bool = False) -> bool:
            value = variables.get(_PREFIX + name, environment.get(f"PULUMI_K8S_{variable}"))
            return default if value is None else value == "true"

        if not switch("enableServerSideApply", "ENABLE_SERVER_SIDE_APPLY", default=True):
            raise _beyond("client-side apply (enableServerSideApply=false)")
        if text("renderYamlToDirectory"):
            raise _beyond("rendering to a directory (renderYamlToDirectory)")
        return cls(
            kubeconfig=text("kubeconfig"),
            context=text("context"),
            cluster=text("cluster"),
            namespace=text("namespace"),
            upsert=switch("upsertExistingObjects", "UPSERT_EXISTING_OBJECTS"),
            force=switch("enablePatchForce", "ENABLE_PATCH_FORCE"),
            delete_unreachable=switch("deleteUnreachable", "DELETE_UNREACHABLE"),
            mutability=Mutability(
                config_maps=switch("enableConfigMapMutable", "ENABLE_CONFIGMAP_MUTABLE"),
                secrets=switch("enableSecretMutable", "ENABLE_SECRET_MUTABLE"),
            ),
        )

    def connection(self, environment: Mapping[str, str] = os.environ) -> kubeconfig.Connection:
        """How to reach the cluster.

        Unlike the real provider, this does not fall back to `~/.kube/config`: a rehearsal must never reach a cluster
        that nobody named.

        Raises:
            RehearsalError: There is no kubeconfig, or it cannot be used.
        """
        source = self.kubeconfig or environment.get("KUBECONFIG")
        if not source:
            raise RehearsalError(
                "the kubernetes provider has no kubeconfig",
                remedy="Give the provider a kubeconfig, or set the environment variable KUBECONFIG.",
            )
        return kubeconfig.connection(kubeconfig.load(source), context=self.context, cluster=self.cluster)


def _beyond(what: str) -> RehearsalError:
    return RehearsalError(
        f"the stand-in for the kubernetes provider does not do {what}",
        remedy="Leave the option out, or install the real plugin: pulumi plugin install resource kubernetes",
    )


@dataclass(frozen=True)
class ConfigurationDifference:
    """What a change of the provider's configuration means.

    Attributes:
        changed: Names of the options that changed.
        replacing: Those because of which the provider, and all objects with it, are replaced.
    """

    changed: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()


def configuration_difference(old: PropertyBag, new: PropertyBag) -> ConfigurationDifference:
    """A changed kubeconfig replaces all objects only if it means another cluster.

    With `clusterIdentifier` set, that alone decides. An unknown kubeconfig may mean another cluster, so it replaces.
    """
    changed = tuple(key for key in sorted({*old, *new}) if old.get(key) != new.get(key))
    if not changed:
        return ConfigurationDifference()
    same_identifier = _IDENTIFIER in new and old.get(_IDENTIFIER) == new[_IDENTIFIER]
    unknown = next((key for key in _CLUSTER_KEYS if new.get(key) is UNKNOWN), None)
    replacing: list[str] = []
    if _IDENTIFIER in changed and _IDENTIFIER in old and _IDENTIFIER in new:
        replacing.append(_IDENTIFIER)
    if unknown is not None:
        changed = (unknown,)
        replacing.append(unknown)
    else:
        before, after = _active_cluster(old), _active_cluster(new)
        if before is not None and after is not None and before != after:
            replacing += [key for key in _CLUSTER_KEYS if key in changed]
    return ConfigurationDifference(changed, () if same_identifier else tuple(replacing))


def _active_cluster(configuration: PropertyBag) -> Any:
    source = configuration.get("kubeconfig")
    if not source:
        return None
    try:
        parsed = kubeconfig.load(source) if isinstance(source, str) else cast("dict[str, Any]", source)
    except (RehearsalError, yaml.YAMLError):
        return None
    return kubeconfig.active_cluster(parsed, context=configuration.get("context"), cluster=configuration.get("cluster"))
