"""Signal the runner.

Tries: every signal on PID 1, whose end would be that of the container.
Expect: contained
"""

import signal

for number in sorted(signal.valid_signals()):
    attempt(f"signal {number} to PID 1", os.kill, AGENT, number)
