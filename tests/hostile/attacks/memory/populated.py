"""Eight processes that have the kernel fill their memory, in large pages and by a call each.

Tries: to take more memory between two looks of the service than its container has.
Expect: memory
Timeout: 5
"""

import mmap
import time

begin = time.monotonic() + 0.3
for _ in range(3):
    os.fork()
while time.monotonic() < begin:
    pass
held = []
for _ in range(2):
    held.append(mmap.mmap(-1, 100 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    held[-1].madvise(14)  # MADV_HUGEPAGE
    held[-1].madvise(23)  # MADV_POPULATE_WRITE
time.sleep(60)
