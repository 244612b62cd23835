"""One allocation of everything.

Tries: to take 8 GiB in one go.
Expect: contained
"""

attempt("8 GiB at once", lambda: len(bytearray(8 << 30)))
