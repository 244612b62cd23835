"""Write to shared code.

Tries: through /proc/self/mem and mprotect, to change the pages of libc that all processes share.
Expect: contained
"""

import mmap

address = ctypes.cast(libc.getpid, ctypes.c_void_p).value
page = address & ~4095
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
if libc.mprotect(page, 8192, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) == 0:
    # A copy of this process alone, as the neighbour and the next run show.
    ctypes.memset(address, 0xCC, 1)
contained("only its own copy is changed")
os._exit(0)
