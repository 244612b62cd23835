"""Raise one's own limits.

Tries: to take back what the resource limits took.
Expect: contained
"""

import resource

for name in ("DATA", "NPROC", "FSIZE", "NOFILE", "CORE", "CPU", "MEMLOCK", "MSGQUEUE", "RTPRIO"):
    kind = getattr(resource, f"RLIMIT_{name}", None)
    if kind is None:  # the module does not know them all
        continue
    _, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY:
        breach(f"{name} has no limit")
        continue
    try:
        resource.setrlimit(kind, (hard + 1, hard + 1))
        breach(f"{name} raised above {hard}")
    except (OSError, ValueError) as error:
        contained(f"{name} {hard}: {error}")
