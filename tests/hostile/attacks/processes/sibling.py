"""Become the parent's own child.

Tries: with CLONE_PARENT, to put a process beside the run, as a child of the service.
Expect: contained
"""

import time

CLONE_PARENT = 0x8000
if syscall("clone", CLONE_PARENT, 0, 0, 0, 0) == 0:
    while True:
        time.sleep(0.01)
        with open("/tmp/sibling", "w"):
            pass
time.sleep(0.05)
contained("left a sibling for the next run to find")
