"""Lock memory.

Tries: to keep pages from being swapped or reclaimed.
Expect: contained
"""

import mmap

area = mmap.mmap(-1, 64 << 20)
address = ctypes.addressof(ctypes.c_char.from_buffer(area))
attempt("mlock", syscall, "mlock", ctypes.c_void_p(address), 64 << 20)
