"""Set limits for the service.

Tries: by prlimit, to give the runner no processor time and no descriptors.
Expect: contained
"""

import resource

for pid in (AGENT, SERVICE):
    for kind, limit in ((resource.RLIMIT_CPU, (1, 1)), (resource.RLIMIT_NOFILE, (6, 6))):
        attempt(f"limit {kind} of {pid}", resource.prlimit, pid, kind, limit)
    attempt(f"limits of {pid}", resource.prlimit, pid, resource.RLIMIT_CPU)
