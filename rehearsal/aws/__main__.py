"""`python -m rehearsal.aws`: serves the AWS account of the rehearsal in the environment, until it is ended."""

from __future__ import annotations

from rehearsal import ports
from rehearsal.aws import server
from rehearsal.layout import Layout


def main(layout: Layout) -> None:
    """Serves it on loopback."""
    port = ports.ensure(layout.control_plane / "ports.json").aws
    server.listen(server.application(layout), port).serve_forever()


if __name__ == "__main__":
    main(Layout.of_environment())
