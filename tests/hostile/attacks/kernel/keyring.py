"""The kernel's keyrings.

Tries: to leave a key for the next run of the same user, and to read others'.
Expect: contained
"""

attempt("add a key", syscall, "add_key", b"user", b"left", b"breach", 6, -4)  # user keyring
attempt("join a session", syscall, "keyctl", 1, b"shared", 0, 0, 0)
attempt("request a key", syscall, "request_key", b"user", b"left", None, 0)
