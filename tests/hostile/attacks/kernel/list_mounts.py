"""Ask about mounts.

Tries: to learn by statmount and listmount what /proc does not tell.
Expect: contained
"""

request = (ctypes.c_uint64 * 4)(24, 0xFFFFFFFFFFFFFFFF, 0, 0)
answer = (ctypes.c_uint64 * 512)()
attempt("listmount", syscall, "listmount", request, answer, 512, 0)
attempt("statmount", syscall, "statmount", request, answer, 4096, 0)
