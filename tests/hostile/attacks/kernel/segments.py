"""Descriptors of segments.

Tries: modify_ldt and ioperm, old doors of x86.
Expect: contained
"""

entry = (ctypes.c_uint32 * 4)(0, 0, 0xFFFFF, 0x51)
attempt("modify_ldt", syscall, "modify_ldt", 1, entry, 16)
attempt("ioperm", syscall, "ioperm", 0x70, 1, 1)
