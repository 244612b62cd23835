"""Shared anonymous memory.

Tries: to fill a shared mapping, which no limit of a process counts.
Expect: memory, contained
Timeout: 10
"""

import mmap


def fill():
    with mmap.mmap(-1, 1 << 30) as area:
        for page in range(0, len(area), 4096):
            area[page] = 1
    return "a GiB"


attempt("a GiB of shared memory", fill)
