"""Signal the service's process group.

Tries: to reach the runner and the warm interpreter by the group that they are in.
Expect: contained
"""

import signal

group = os.getpgid(SERVICE)
if group > 1:
    attempt(f"SIGSTOP to the group {group}", os.killpg, group, signal.SIGSTOP)
else:
    contained(f"group {group} cannot be named: that would be one's own, or everything")
