"""Sleep past the timeout.

Tries: to keep the slot by doing nothing.
Expect: timeout
Timeout: 0.5
"""

import time

time.sleep(600)
