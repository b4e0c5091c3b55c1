"""Process of an emulated provider: `python -m rehearsal.emulators MODULE ENGINE-ADDRESS`.

It runs the module without Python's garbage collector, which took a third of a provider's start. The process ends with
the engine's run, and creates few cyclic references.
"""

import gc
import runpy
import sys

if __name__ == "__main__":
    gc.disable()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
