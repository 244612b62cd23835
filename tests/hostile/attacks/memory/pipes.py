"""Fill pipes.

Tries: to keep memory in the buffers of a thousand pipes.
Expect: contained, memory
"""

import fcntl

kept = 0
try:
    while True:
        reader, writer = os.pipe2(os.O_NONBLOCK)
        try:
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 1 << 20)
        except OSError:
            pass
        try:
            while True:
                kept += os.write(writer, b"x" * 65536)
        except BlockingIOError:
            pass
        if kept > 512 << 20:
            breach(f"{kept >> 20} MiB in pipes")
            break
except OSError as error:
    contained(f"{kept >> 20} MiB, then {error!r}")
