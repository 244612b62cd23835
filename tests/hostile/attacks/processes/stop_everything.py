"""Stop all at once.

Tries: kill(-1) with SIGSTOP, so that whoever should end the run hangs.
Expect: contained
"""

import signal
import time

try:
    os.kill(-1, signal.SIGSTOP)
except OSError as error:
    contained(error)
time.sleep(0.1)
contained("the service has to outlive it")
