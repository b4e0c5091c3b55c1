"""The page of releases on this machine, of a cluster in memory."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from release.objects import ObjectReader
from release.page.lookout import Lookout
from release.page.server import web_server
from tests.unit.release.fake_cluster import FakeClock


@contextmanager
def served(api: ObjectReader, clock: FakeClock, *environments: str) -> Generator[tuple[str, Lookout]]:
    """Serves the page meanwhile, after its first look.

    Yields:
        Its address, and what looks at the cluster.
    """
    looking = Lookout(api, environments, clock)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = web_server(looking)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            until(lambda: looking.look.read is not None or looking.look.error is not None)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", looking
        finally:
            server.should_exit = True
            thread.join(10)


def until(holds: Callable[[], bool]) -> None:
    """Waits until something holds, for ten seconds at most."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)
