"""Fork without end, each with a little memory of its own.

Tries: to have the kernel take the agent, which is larger than any of them, for want of memory.
Expect: memory, processes
"""

import mmap

own = mmap.mmap(-1, 4 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
while True:
    try:
        os.fork()
    except OSError:
        pass
    for page in range(0, len(own), mmap.PAGESIZE):
        own[page] = 1
