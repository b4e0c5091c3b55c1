"""An AWS account of a test's own, served by this process."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from functools import cache
from typing import Any

from rehearsal import aws, ports
from rehearsal.layout import Layout

os.environ.update(aws.settings())  # moto reads them at import

from moto.moto_api._internal.models import moto_api_backend  # pyright: ignore[reportMissingTypeStubs]

from rehearsal.aws import server
from rehearsal.aws.journal import Application

_served: list[Application] = []


def serve(layout: Layout) -> None:
    """Serves a rehearsal's account from its journal, as after its start, and none that was served before."""
    moto_api_backend.reset()
    layout.control_plane.mkdir(parents=True, exist_ok=True)
    file = layout.control_plane / "ports.json"
    file.write_text(f'{{"aws": {_port()}}}')
    ports.ensure(file)
    _served[:] = [server.application(layout)]


@cache
def _port() -> int:
    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return _served[0](environ, start_response)

    one = server.listen(answer, 0)
    threading.Thread(target=one.serve_forever, daemon=True).start()
    return one.port
