"""Look like the service.

Tries: to be spared by a sweep that goes by names, with the name and arguments of the runner.
Expect: contained
"""

import time

if os.fork() == 0:
    syscall("prctl", 15, b"python3", 0, 0, 0)  # PR_SET_NAME
    os.execv(
        "/bin/sh",
        ["python3 -m code_runner.runner", "-c", "while :; do : > /tmp/spared; sleep 0.01; done"],
    )
time.sleep(0.05)
contained("left a disguised process for the next run to find")
