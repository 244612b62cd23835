"""Send a descriptor to oneself.

Tries: cycles of sockets that hold each other, which only the kernel's collector could free.
Expect: contained
"""

import array
import socket

pairs = [socket.socketpair() for _ in range(100)]
for first, second in pairs:
    rights = array.array("i", [first.fileno(), second.fileno()])
    try:
        first.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    except OSError as error:
        contained(error)
        break
contained("cycles are the kernel's to free")
