"""What an EKS cluster of the rehearsal really is: the local control plane, as its kubeconfig names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout


@dataclass(frozen=True)
class ApiServer:
    """Where the local API server is.

    Attributes:
        url: `https://127.0.0.1:PORT`.
        certificate_authority: Its authority's certificate, PEM in base64.
    """

    url: str
    certificate_authority: str


def api_server(layout: Layout) -> ApiServer:
    """The API server of this rehearsal.

    Raises:
        RehearsalError: None was started.
    """
    try:
        kubeconfig: Any = yaml.safe_load(layout.kubeconfig.read_text())
    except FileNotFoundError:
        raise RehearsalError(
            f"an EKS cluster needs the local control plane, and there is no {layout.kubeconfig}",
            remedy="Run `make up`, which starts it.",
        ) from None
    cluster: Any = kubeconfig["clusters"][0]["cluster"]
    return ApiServer(url=cluster["server"], certificate_authority=cluster["certificate-authority-data"])
