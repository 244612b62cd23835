"""Take the other end of one's own output.

Tries: through /proc, to open the reading end of the pipe, keep it, and change the pipe.
Expect: contained, timeout
Timeout: 1
"""

import fcntl

reader = os.open("/proc/self/fd/1", os.O_RDONLY | os.O_NONBLOCK)
for descriptor in (0, 1, reader):
    for size in (1, 1 << 20):
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, size)
        except OSError:
            pass
os.write(1, b"x" * 100)
try:
    os.read(reader, 1000)
except BlockingIOError:
    pass
fcntl.fcntl(1, fcntl.F_SETFL, os.O_NONBLOCK | os.O_DIRECT)
for _ in range(10000):
    try:
        os.write(1, b".")
    except BlockingIOError:
        pass
fcntl.fcntl(1, fcntl.F_SETFL, 0)
os.write(1, b"\n")
contained("its own output is its own business")
