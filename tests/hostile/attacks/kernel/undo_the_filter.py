"""Take the filter down.

Tries: to switch seccomp off, and to put a permissive filter on top.
Expect: contained
"""

attempt("strict mode off", syscall, "prctl", 22, 0, 0, 0, 0)  # PR_SET_SECCOMP, disabled
attempt("new privileges", syscall, "prctl", 38, 0, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS, 0
# A filter on top that allows everything is fine with the kernel: the strictest answer counts.
allow = (ctypes.c_uint64 * 1)(0x7FFF0000_00000006)
program = (ctypes.c_uint64 * 2)(1, ctypes.addressof(allow))
syscall("seccomp", 1, 0, program)
attempt("unshare below a filter that allows all", syscall, "unshare", 0x10000000)
