"""A thread that does not end.

Tries: to end the main thread and go on in another.
Expect: timeout
Timeout: 0.5
"""

import threading
import time

threading.Thread(target=time.sleep, args=(600,)).start()
