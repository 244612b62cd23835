"""Find the neighbour's file.

Tries: to read what an honest run in another slot writes at the same time.
Expect: contained
"""

import time

for _ in range(20):
    for path in ("/tmp/own", "/dev/shm/own", "/tmp/run/own"):
        if os.path.exists(path):
            breach(path)
    time.sleep(0.01)
contained("never saw a file of the neighbour")
