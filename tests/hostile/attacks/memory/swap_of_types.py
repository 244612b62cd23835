"""Grow by realloc, mremap and brk.

Tries: to get past the limit by the other ways to grow.
Expect: contained
"""

libc.malloc.restype = libc.realloc.restype = libc.sbrk.restype = ctypes.c_void_p
libc.realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.sbrk.argtypes = [ctypes.c_ssize_t]
block, size = libc.malloc(1 << 20), 1 << 20
while block and size < 4 << 30:
    size *= 2
    block = libc.realloc(ctypes.c_void_p(block), size)
if block:
    breach(f"realloc to {size >> 20} MiB")
else:
    contained(f"realloc to {size >> 20} MiB failed")
if ctypes.c_void_p(libc.sbrk(2 << 30)).value == ctypes.c_void_p(-1).value:
    contained("sbrk failed")
else:
    breach("sbrk by 2 GiB")
