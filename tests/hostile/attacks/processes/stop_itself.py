"""Stop oneself.

Tries: to keep the slot with a process that is neither running nor dead.
Expect: timeout
Timeout: 0.5
"""

import signal

os.kill(os.getpid(), signal.SIGSTOP)
