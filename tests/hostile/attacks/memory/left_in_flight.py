"""Memory in messages that nobody receives, left behind.

Tries: to leave memory to the garbage collector of the kernel, so that it is taken for the service's
    own when the next run begins, which may then use more than its container has.
Expect: contained
"""

import socket

CHUNK = b"x" * (1 << 20)
first, second = socket.socketpair()
try:
    file = os.memfd_create("left")
    for _ in range(180):
        os.write(file, CHUNK)
    # In flight together with both ends of the socket, it can be found by nobody.
    socket.send_fds(first, [b"1"], [file, first.fileno(), second.fileno()])
except OSError as error:
    contained(error)
else:
    contained("left it behind")
