"""Leave stopped children.

Tries: to leave processes that take no signal until they are continued.
Expect: contained
"""

import signal

for _ in range(20):
    if os.fork() == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
        with open("/tmp/continued", "w"):
            pass
contained("left twenty stopped children for the next run to find")
