"""Hold the parent still in vfork.

Tries: to keep the main process in a sleep that no timer of its own can end.
Expect: timeout
Timeout: 0.5
"""

CLONE_VM, CLONE_VFORK = 0x100, 0x4000
import time

# The child shares the parent's memory; it only sleeps.
if syscall("clone", CLONE_VFORK, 0, 0, 0, 0) == 0:
    while True:
        time.sleep(60)
