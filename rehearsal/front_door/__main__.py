"""`python -m rehearsal.front_door DOMAIN REGION`: keeps HAProxy's configuration up to date."""

from __future__ import annotations

import sys

from rehearsal.front_door.running import FrontDoor, follow
from rehearsal.layout import Layout

if __name__ == "__main__":
    follow(FrontDoor(Layout.of_environment(), *sys.argv[1:]), report=lambda sentence: print(sentence, flush=True))
