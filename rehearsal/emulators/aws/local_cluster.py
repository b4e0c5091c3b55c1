"""The local API server behind an emulated EKS cluster, which outlives the cluster.

Its programs have the cluster's version of Kubernetes. A cluster's objects are deleted with it. The keys in etcd are
recorded when the cluster is created; its deletion deletes all others at once: as on AWS, controllers get no chance to
clean up.

The functions raise `RehearsalError` if the control plane was never started, does not respond, or refuses a request.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3.exceptions
import yaml

from kube.client import KubernetesApi, KubernetesApiError
from rehearsal.emulators.aws.account import Account, Record
from rehearsal.emulators.aws.properties import Properties
from rehearsal.errors import RehearsalError
from rehearsal.etcd import Etcd
from rehearsal.layout import Layout
from rehearsal.programs import KUBERNETES_CONTROL_PLANE

ROOT = "/registry/"
SERVICE_ACCOUNTS = "/registry/serviceaccounts/kube-system/"

TRANSIENT = ("/registry/events/", "/registry/leases/kube-system/", "/registry/masterleases/", "/registry/ranges/")
"""Key prefixes to which the control plane itself writes at any time."""

CONTROLLERS = "kube-controller-manager"
"""The field manager of the service accounts of Kubernetes' own controllers."""

DELETION_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.5
POLLS_WITHOUT_NEW_KEYS = 3
"""Consecutive polls without new keys that end a deletion, since controllers may still create objects."""

_START = "Run `make up`, which starts it if it does not run."


def endpoint(layout: Layout) -> str:
    """The API server's URL."""
    _require_control_plane(layout, "an EKS cluster")
    kubeconfig: Any = yaml.safe_load(layout.kubeconfig.read_text())
    return str(kubeconfig["clusters"][0]["cluster"]["server"])


@contextmanager
def cluster_client(layout: Layout, caller: str, kubeconfig: Path | None = None) -> Generator[KubernetesApi]:
    """A client of the local API server, with its errors translated.

    Args:
        layout: The rehearsal.
        caller: Who asks, for messages, e.g. `node group dev`.
        kubeconfig: Another one than the administrator's.
    """
    _require_control_plane(layout, caller)
    try:
        yield KubernetesApi(kubeconfig or layout.kubeconfig)
    except KubernetesApiError as error:
        raise RehearsalError(
            f"the API server refused an object of {caller}: {error}", remedy="Correct it as the message says."
        ) from error
    except urllib3.exceptions.HTTPError as error:
        raise RehearsalError(f"the local API server did not respond to {caller}: {error}", remedy=_START) from error


def converge(layout: Layout, cluster: Record, _account: Account) -> Properties:
    """Brings the API server to the cluster's version; before the cluster has any objects, records the keys in etcd."""
    if layout.control_plane.exists():
        from rehearsal import control_plane  # noqa: PLC0415 - slow to import

        control_plane.bring_version(layout, cluster.inputs.get("version"), KUBERNETES_CONTROL_PLANE)
        if not layout.cluster_keys.exists():
            layout.cluster_keys.write_text(json.dumps(Etcd(layout).keys(ROOT)))
    return {}


def delete_objects(layout: Layout, _cluster: Record) -> None:
    """Deletes all keys that `converge` has not recorded, until no new ones appear."""
    if not layout.cluster_keys.exists():
        return
    kept: set[str] = {*json.loads(layout.cluster_keys.read_text()), *_controllers_accounts(layout)}
    etcd, polls, end = Etcd(layout), 0, time.monotonic() + DELETION_TIMEOUT_SECONDS
    try:
        while polls < POLLS_WITHOUT_NEW_KEYS:
            keys = [key for key in etcd.keys(ROOT) if key not in kept and not key.startswith(TRANSIENT)]
            etcd.delete(keys)
            polls = 0 if keys else polls + 1
            if time.monotonic() > end:
                raise RehearsalError(
                    f"the cluster is deleted, and something still creates objects in it: {', '.join(keys[:5])}",
                    remedy=f"See the controllers' logs in {layout.logs}, then run the command again.",
                )
            time.sleep(POLL_SECONDS)
    except urllib3.exceptions.HTTPError as error:
        raise RehearsalError(f"the control plane's etcd did not respond: {error}", remedy=_START) from error
    layout.cluster_keys.unlink()


def _controllers_accounts(layout: Layout) -> set[str]:
    """Etcd keys of the service accounts of Kubernetes' own controllers, some of which are created late."""
    accounts = KubernetesApi(layout.kubeconfig).list("v1", "ServiceAccount", namespace="kube-system")
    return {
        f"{SERVICE_ACCOUNTS}{account['metadata']['name']}"
        for account in accounts
        if all(entry["manager"] == CONTROLLERS for entry in account["metadata"].get("managedFields") or ())
    }


def _require_control_plane(layout: Layout, caller: str) -> None:
    if not layout.kubeconfig.exists():
        raise RehearsalError(f"{caller} needs the local control plane: there is no {layout.kubeconfig}", remedy=_START)
