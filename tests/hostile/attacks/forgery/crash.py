"""Crash.

Tries: to end by a fault, with a core file for somebody to find.
Expect: signal
"""

import resource

resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
os.chdir("/tmp")
ctypes.string_at(0)
