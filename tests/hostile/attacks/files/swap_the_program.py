"""Swap the folder of the next run.

Tries: to put a link, a file and a watch where the next run will have its folder.
Expect: contained
"""

import sys

os.chdir("/")
os.rename("/tmp/run", "/tmp/old")
os.symlink("/dev/shm", "/tmp/run")
if os.fork() == 0:
    os.setsid()
    while True:  # win a race against the cleaning
        for make in (os.mkdir, lambda path: os.symlink("/dev/shm", path)):
            try:
                make("/tmp/run")
            except OSError:
                pass
contained("left a link where the next run will be")
sys.stdout.flush()
