"""Timers without end.

Tries: to interrupt itself so often that nothing else happens.
Expect: timeout
Timeout: 0.5
"""

import signal

signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.00001, 0.00001)
while True:
    signal.pause()
