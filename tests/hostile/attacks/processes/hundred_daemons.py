"""A hundred daemons at once.

Tries: to leave so many that the sweep misses one.
Expect: contained, processes, timeout
"""

import time

for _ in range(100):
    if os.fork() == 0:
        os.setsid()
        while True:
            time.sleep(0.02)
            with open(f"/tmp/daemon-{os.getpid()}", "w"):
                pass
contained("left a hundred daemons for the next run to find")
