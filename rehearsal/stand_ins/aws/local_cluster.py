"""What an EKS cluster of the rehearsal really is: the local API server."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import urllib3.exceptions
import yaml

from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from release.kubernetes_api import KubernetesApi, KubernetesApiError


def endpoint(layout: Layout) -> str:
    """The API server's URL.

    Raises:
        RehearsalError: None was started.
    """
    _need(layout, "an EKS cluster")
    kubeconfig: Any = yaml.safe_load(layout.kubeconfig.read_text())
    return str(kubeconfig["clusters"][0]["cluster"]["server"])


@contextmanager
def answering(layout: Layout, caller: str) -> Generator[KubernetesApi]:
    """The API server of the rehearsal.

    Args:
        layout: The rehearsal.
        caller: On whose behalf it is called, for messages, e.g. `node group dev`.

    Raises:
        RehearsalError: There is none, it does not answer, or it refuses a request.
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


def _need(layout: Layout, caller: str) -> None:
    if not layout.kubeconfig.exists():
        raise RehearsalError(
            f"{caller} needs the local control plane, and there is no {layout.kubeconfig}",
            remedy="Run `make up`, which starts it.",
        )
