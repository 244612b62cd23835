"""Never finish finishing.

Tries: to hang in what an interpreter does at its end.
Expect: timeout
Timeout: 0.5
"""

import atexit
import time


class Last:
    def __del__(self):
        time.sleep(600)


last = Last()
atexit.register(time.sleep, 600)
