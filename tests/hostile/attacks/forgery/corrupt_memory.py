"""Corrupt the interpreter.

Tries: by ctypes, to overwrite objects that the warm interpreter shares with all its children.
Expect: contained, signal
"""

import sys

contained("what is overwritten is its own copy")
sys.stdout.flush()
for thing in (None, True, 1, (), "", os.environ, type):
    ctypes.memset(id(thing), 0xFF, 16)
