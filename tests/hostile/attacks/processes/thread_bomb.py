"""Start threads without end.

Tries: to use up the tasks of the slot with threads that only wait.
Expect: processes, memory, timeout
"""

import threading
import time

while True:
    try:
        threading.Thread(target=time.sleep, args=(600,)).start()
    except RuntimeError:
        pass
