"""Raw and packet sockets.

Tries: to send packets of its own making, and to listen to those of others.
Expect: contained
"""

import socket

for family, kind, protocol in (
    (socket.AF_INET, socket.SOCK_RAW, 1),
    (socket.AF_INET, socket.SOCK_DGRAM, 1),  # ping
    (socket.AF_INET6, socket.SOCK_RAW, 58),
    (socket.AF_PACKET, socket.SOCK_RAW, 0x300),
):
    attempt(f"{family!r} {kind!r} {protocol}", socket.socket, family, kind, protocol)
