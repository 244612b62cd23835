"""Ask the kernel about the network.

Tries: netlink sockets of each protocol, doors to much kernel code.
Expect: contained
"""

import socket

for protocol in (0, 2, 4, 5, 6, 7, 9, 12, 15, 16, 20):
    attempt(f"netlink {protocol}", socket.socket, socket.AF_NETLINK, socket.SOCK_RAW, protocol)
