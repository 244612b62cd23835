"""Memory that the kernel cannot see.

Tries: memfd_secret, whose pages are taken out of the kernel's own map and never swapped.
Expect: contained
"""

attempt("memfd_secret", syscall, "memfd_secret", 0)
