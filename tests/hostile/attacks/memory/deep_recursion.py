"""Recursion into the end of the stack.

Tries: to run over the end of the stack in C code.
Expect: signal, contained, memory
"""

import sys

sys.setrecursionlimit(1 << 30)


class Nested:
    def __repr__(self):
        return repr(self)


try:
    repr(Nested())
except (RecursionError, MemoryError) as error:
    contained(repr(error)[:80])
