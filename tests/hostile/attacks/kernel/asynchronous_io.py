"""Use up the node's contexts for asynchronous I/O.

Tries: io_setup, of which the whole node has only so many (fs.aio-max-nr), databases included.
Expect: contained
"""

context = ctypes.c_ulong(0)
attempt("a context", syscall, "io_setup", 10000, ctypes.byref(context))
