"""Raise its own priority, lower the service's.

Tries: nice values and input/output classes, of itself and of everybody.
Expect: contained
"""

attempt("own priority", os.setpriority, os.PRIO_PROCESS, 0, -20)
attempt("own priority by nice", os.nice, -10)
for kind, who in (
    (os.PRIO_PROCESS, AGENT),
    (os.PRIO_PROCESS, SERVICE),
    (os.PRIO_USER, 0),
    (os.PRIO_PGRP, SERVICE),
):
    attempt(f"lower {kind} {who}", os.setpriority, kind, who, 19)
IDLE = 3 << 13
for kind, who in ((1, AGENT), (1, SERVICE), (3, os.getuid())):
    attempt(f"input and output of {kind} {who}", syscall, "ioprio_set", kind, who, IDLE)
