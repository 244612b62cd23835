"""Calls that no filter sees.

Tries: an io_uring, through which files and sockets are used without system calls.
Expect: contained
"""

attempt("io_uring", syscall, "io_uring_setup", 8, ctypes.create_string_buffer(120))
