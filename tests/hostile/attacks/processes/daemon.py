"""A daemon by double fork.

Tries: to go on living, and writing, after the answer, with all its ties to the run cut.
Expect: contained
"""

import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for descriptor in range(3):
            os.close(descriptor)
        while True:
            for folder in ("/tmp", "/dev/shm"):
                with open(f"{folder}/daemon", "w") as file:
                    file.write("still here")
            time.sleep(0.005)
    os._exit(0)
os.wait()
time.sleep(0.05)
contained("left a daemon for the next run to find")
