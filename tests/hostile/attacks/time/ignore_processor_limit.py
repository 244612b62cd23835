"""Ignore the processor limit.

Tries: to go on after SIGXCPU.
Expect: timeout, cpu
Timeout: 1
"""

import signal

signal.signal(signal.SIGXCPU, signal.SIG_IGN)
while True:
    pass
