"""Stop the parent.

Tries: to freeze the warm interpreter, so that the slot hangs.
Expect: contained
"""

import signal

for number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN):
    attempt(f"signal {number} to the parent", os.kill, SERVICE, number)
