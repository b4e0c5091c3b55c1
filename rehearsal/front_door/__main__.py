"""`python -m rehearsal.front_door DOMAIN REGION STAFF OUTSIDE`: what keeps HAProxy up to date, as a program."""

from __future__ import annotations

import sys

from rehearsal.front_door.following import FrontDoor, follow
from rehearsal.front_door.haproxy import Sockets
from rehearsal.layout import Layout

if __name__ == "__main__":
    domain, region, staff, outside = sys.argv[1:]
    door = FrontDoor(Layout.of_environment(), domain, region, Sockets(staff=staff, outside=outside))
    follow(door, report=lambda sentence: print(sentence, flush=True))
