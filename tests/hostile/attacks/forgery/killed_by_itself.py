"""Look as if the service had ended it.

Tries: to die of SIGKILL or SIGXCPU, so that the run counts as ended by a limit.
Expect: signal
"""

import signal

os.kill(os.getpid(), signal.SIGKILL)
