"""Ignore every signal.

Tries: to outlast its timeout by ignoring all that can be ignored and blocking the rest.
Expect: timeout
Timeout: 0.5
"""

import signal
import time

for number in signal.valid_signals():
    try:
        signal.signal(number, signal.SIG_IGN)
    except OSError:
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
while True:
    time.sleep(60)
