"""Hold the pipes open.

Tries: to delay the answer with a daemon that keeps both outputs open.
Expect: contained
Timeout: 10
"""

import time

began = time.monotonic()
if os.fork() == 0:
    os.setsid()
    time.sleep(600)
contained("left a daemon with both outputs")
# It has no timeout's time: the campaign looks how long the answer took.
os._exit(0)
