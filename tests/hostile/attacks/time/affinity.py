"""Choose processors.

Tries: to pin the service to one processor, and itself to all.
Expect: contained
"""

for pid in (AGENT, SERVICE, 0):
    attempt(f"processors of {pid}", os.sched_setaffinity, pid, {0})
