"""Fill socket buffers.

Tries: to keep memory in messages that nobody reads.
Expect: contained, memory
Timeout: 5
"""

import socket

pairs = []
kept = 0
try:
    while True:
        first, second = socket.socketpair()
        first.setblocking(False)
        first.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 << 20)
        pairs.append((first, second))
        try:
            while True:
                kept += first.send(b"x" * 65536)
        except BlockingIOError:
            pass
        if kept > 512 << 20:
            breach(f"{kept >> 20} MiB in sockets")
            break
except OSError as error:
    contained(f"{kept >> 20} MiB, then {error!r}")
