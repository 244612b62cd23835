"""Change what was printed after it was read.

Tries: by vmsplice, to give its own pages to the pipe and change them while the runner reads.
Expect: contained, timeout, output
Timeout: 1
"""

import threading
import time

contained("mixes only its own bytes")
page = ctypes.create_string_buffer(b"a" * 65536)
vector = (ctypes.c_size_t * 2)(ctypes.addressof(page), 65536)
stop = time.monotonic() + 0.5


def change():
    while time.monotonic() < stop:
        ctypes.memset(page, ord("b"), 65536)
        ctypes.memset(page, 0xED, 65536)


threading.Thread(target=change).start()
while time.monotonic() < stop:
    try:
        syscall("vmsplice", 1, vector, 1, 0)
    except OSError as error:  # a container engine may refuse it
        contained(error)
        break
