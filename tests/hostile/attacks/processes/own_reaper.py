"""Adopt the daemons oneself.

Tries: as a sub-reaper, to keep descendants away from the service's count of what is left.
Expect: contained
"""

import time

syscall("prctl", 36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
if os.fork() == 0:
    syscall("prctl", 36, 1, 0, 0, 0)
    if os.fork() == 0:
        if os.fork() == 0:
            while True:
                time.sleep(0.01)
                with open("/dev/shm/adopted", "w"):
                    pass
        os._exit(0)
    while True:
        time.sleep(1)
contained("left an adopted daemon for the next run to find")
