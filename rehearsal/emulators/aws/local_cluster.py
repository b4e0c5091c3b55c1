"""The local API server behind an emulated EKS cluster, which outlives the cluster.

A cluster's objects are deleted with it. The keys in etcd are recorded when the cluster is created; its deletion deletes
all others at once: as on AWS, controllers get no chance to clean up.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import urllib3.exceptions
import yaml

from kube.client import KubernetesApi, KubernetesApiError
from rehearsal.emulators.aws.account import Account, Record
from rehearsal.emulators.aws.properties import Properties
from rehearsal.errors import RehearsalError
from rehearsal.etcd import Etcd
from rehearsal.layout import Layout

ROOT = "/registry/"
ACCOUNTS = "/registry/serviceaccounts/kube-system/"

TRANSIENT = ("/registry/events/", "/registry/leases/kube-system/", "/registry/masterleases/", "/registry/ranges/")
"""Key prefixes to which the control plane itself writes at any time."""

CONTROLLERS = "kube-controller-manager"
"""The field manager of the service accounts of Kubernetes' own controllers."""

SECONDS_TO_BE_QUIET = 30.0
SECONDS_BETWEEN_LOOKS = 0.5
QUIET_LOOKS = 3
"""Consecutive checks without new keys before a sweep ends, since controllers may still create objects."""


def endpoint(layout: Layout) -> str:
    """The API server's URL.

    Raises:
        RehearsalError: The control plane was never started.
    """
    _need(layout, "an EKS cluster")
    kubeconfig: Any = yaml.safe_load(layout.kubeconfig.read_text())
    return str(kubeconfig["clusters"][0]["cluster"]["server"])


@contextmanager
def answering(layout: Layout, caller: str) -> Generator[KubernetesApi]:
    """A client of the local API server, with its errors translated.

    Args:
        layout: The rehearsal.
        caller: The client in messages, e.g. `node group dev`.

    Raises:
        RehearsalError: The API server was never started, does not respond, or refuses a request.
    """
    _need(layout, caller)
    try:
        yield KubernetesApi(layout.kubeconfig)
    except KubernetesApiError as error:
        raise RehearsalError(
            f"the API server refused what {caller} has in the cluster: {error}",
            remedy="Correct it as the message says.",
        ) from error
    except urllib3.exceptions.HTTPError as error:
        raise RehearsalError(
            f"the local API server did not answer about {caller}: {error}",
            remedy="Run `make up`, which starts it where it does not run.",
        ) from error


def remember(layout: Layout, _cluster: Record, _account: Account) -> Properties:
    """Records the keys in etcd before the cluster has any objects, once."""
    if not layout.cluster_keys.exists() and layout.control_plane.exists():
        layout.cluster_keys.write_text(json.dumps(Etcd(layout).keys(ROOT)))
    return {}


def sweep(layout: Layout, _cluster: Record) -> None:
    """Deletes all keys that `remember` has not recorded, until no new ones appear.

    Raises:
        RehearsalError: Etcd does not respond, or objects are still created after `SECONDS_TO_BE_QUIET`.
    """
    if not layout.cluster_keys.exists():
        return
    known: set[str] = {*json.loads(layout.cluster_keys.read_text()), *_controllers_accounts(layout)}
    etcd, quiet, end = Etcd(layout), 0, time.monotonic() + SECONDS_TO_BE_QUIET
    try:
        while quiet < QUIET_LOOKS:
            left = [key for key in etcd.keys(ROOT) if key not in known and not key.startswith(TRANSIENT)]
            etcd.delete(left)
            quiet = 0 if left else quiet + 1
            if time.monotonic() > end:
                raise RehearsalError(
                    f"the cluster is deleted, and something still makes objects in it: {', '.join(left[:5])}",
                    remedy=f"See what the controllers say in {layout.logs}, then run the command again.",
                )
            time.sleep(SECONDS_BETWEEN_LOOKS)
    except urllib3.exceptions.HTTPError as error:
        raise RehearsalError(
            f"the local control plane's database did not answer: {error}",
            remedy="Run `make up`, which starts it where it does not run.",
        ) from error
    layout.cluster_keys.unlink()


def _controllers_accounts(layout: Layout) -> set[str]:
    """Etcd keys of the service accounts of Kubernetes' own controllers, some of which are created late."""
    accounts = KubernetesApi(layout.kubeconfig).list("v1", "ServiceAccount", namespace="kube-system")
    return {
        f"{ACCOUNTS}{account['metadata']['name']}"
        for account in accounts
        if all(entry["manager"] == CONTROLLERS for entry in account["metadata"].get("managedFields") or ())
    }


def _need(layout: Layout, caller: str) -> None:
    if not layout.kubeconfig.exists():
        raise RehearsalError(
            f"{caller} needs the local control plane, and there is no {layout.kubeconfig}",
            remedy="Run `make up`, which starts it.",
        )
