"""Redirect a pair of sockets.

Tries: to take a pair of datagram sockets, which needs no connect to be sent elsewhere.
Expect: contained
"""

import socket


def redirect(kind):
    end, _ = socket.socketpair(socket.AF_UNIX, kind)
    return end.sendto(b"breach", "/run/code-runner/slot-0/runner.sock")


for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM):
    attempt(f"{kind!r}", redirect, kind)
