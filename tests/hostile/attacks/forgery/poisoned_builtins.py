"""Poison the builtins.

Tries: to replace open, print, import and others for the run after it.
Expect: contained
"""

import builtins
import sys

for name in ("print", "compile", "exec", "isinstance", "len", "sorted"):
    setattr(builtins, name, lambda *a, **k: os.write(1, b"BREACH: poisoned\n"))
sys.modules["os"] = sys.modules["time"] = sys.modules["ctypes"] = None
sys.path[:] = []
sys.meta_path[:] = []
contained("the next run has its own builtins")
os._exit(0)
