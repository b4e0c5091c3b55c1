"""The command that serves the page of releases until it is told to end."""

from __future__ import annotations

from collections.abc import Sequence

from release.page.lookout import Lookout
from release.page.server import web_server
from release.session import Session


def page(session: Session, environments: Sequence[str], *, address: str, port: int) -> None:
    """Serves the page.

    Args:
        session: The session.
        environments: The environments that it shows.
        address: IP address to listen on.
        port: TCP port.
    """
    session.print(f"The page of releases, of {' and '.join(environments)}: http://{address}:{port}")
    web_server(Lookout(session.api, environments, session.clock), address=address, port=port).run()
