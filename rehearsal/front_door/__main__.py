"""`python -m rehearsal.front_door DOMAIN STAFF OUTSIDE`: what keeps HAProxy up to date, as a program of its own."""

from __future__ import annotations

import sys

from rehearsal.front_door.following import follow
from rehearsal.front_door.haproxy import Sockets
from rehearsal.layout import Layout

if __name__ == "__main__":
    domain, staff, outside = sys.argv[1:]
    follow(
        Layout.of_environment(),
        domain=domain,
        sockets=Sockets(staff=staff, outside=outside),
        report=lambda sentence: print(sentence, flush=True),
    )
