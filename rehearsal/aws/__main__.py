"""`python -m rehearsal.aws`: the server of the rehearsal's AWS account."""

from __future__ import annotations

from rehearsal import ports
from rehearsal.aws import server
from rehearsal.layout import Layout


def main(layout: Layout) -> None:
    """Serves the account on loopback, until the process is killed."""
    port = ports.ensure(layout.control_plane / "ports.json").aws
    server.listen(server.application(layout), port).serve_forever()


if __name__ == "__main__":
    main(Layout.of_environment())
