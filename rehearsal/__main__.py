"""`python -m rehearsal`.

A command ends within minutes, so Python's garbage collector is off; traversing all objects would take a third of the
time in which it starts and ends.
"""

import gc

gc.disable()

from rehearsal.cli import main  # noqa: E402

try:
    main()
finally:
    gc.freeze()
