"""An AWS account for one test, served by this process."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from functools import cache
from typing import Any

from rehearsal import aws, ports
from rehearsal.layout import Layout

os.environ.update(aws.settings())  # moto reads them at import

from moto.backends import get_backend  # pyright: ignore[reportMissingTypeStubs]
from moto.iam.models import IAMBackend  # pyright: ignore[reportMissingTypeStubs]
from moto.moto_api._internal.models import moto_api_backend  # pyright: ignore[reportMissingTypeStubs]

from rehearsal.aws import server
from rehearsal.aws.journal import Application
from rehearsal.aws.metrics import Metrics

__all__ = ["Metrics", "serve", "serve_again"]

_served: list[tuple[Layout, Application]] = []


def serve(layout: Layout) -> None:
    """Serves a rehearsal's account from its journal, as after its start, and none that was served before."""
    moto_api_backend.reset()
    for service in server.SERVICES:  # a reset makes at once what a new process makes at the first request
        get_backend(service).clear()
    layout.control_plane.mkdir(parents=True, exist_ok=True)
    file = layout.control_plane / "ports.json"
    file.write_text(f'{{"aws": {_port()}}}')
    ports.ensure(file)
    _served[:] = [(layout, server.application(layout))]


def serve_again(layout: Layout) -> None:
    """Serves an account that was served before, unless it is the one that is."""
    if _served[0][0] != layout:
        serve(layout)


def _share_aws_policies() -> None:
    """AWS's own policies take a second for each new account, and are always the same."""
    backend: Any = IAMBackend
    read = backend._init_aws_policies  # noqa: SLF001 - there is no other way in
    policies: list[Any] = []

    def share(self: Any) -> list[Any]:
        policies[:] = policies or read(self)
        for policy in policies:
            policy.attachment_count = 0
        return policies

    backend._init_aws_policies = share  # noqa: SLF001 - likewise


_share_aws_policies()


@cache
def _port() -> int:
    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return _served[0][1](environ, start_response)

    one = server.listen(answer, 0)
    threading.Thread(target=one.serve_forever, daemon=True).start()
    return one.port
