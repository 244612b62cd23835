"""Sixty-four processes that fill their memory at the same moment.

Tries: to take more memory between two looks of the service than its container has.
Expect: memory
Timeout: 5
"""

import mmap
import time

own = mmap.mmap(-1, 40 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
begin = time.monotonic() + 0.3
for _ in range(6):
    os.fork()
while time.monotonic() < begin:
    pass
for page in range(0, len(own), mmap.PAGESIZE):
    own[page] = 1
time.sleep(60)
