"""Page tables.

Tries: to fill the kernel's memory with the tables of a huge mapping that is only read.
Expect: memory, contained
Timeout: 5
"""

import mmap

PAGE_TABLE_REACH = 2 << 20
MADV_NOHUGEPAGE = 15


def read_everywhere():
    # Not writable, so it does not count as data; each page read costs a page of tables.
    area = mmap.mmap(-1, 1 << 40, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)
    area.madvise(MADV_NOHUGEPAGE)
    for position in range(0, len(area), PAGE_TABLE_REACH):
        area[position]
    return "2 GiB of tables"


attempt("page tables", read_everywhere)
