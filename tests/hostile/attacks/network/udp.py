"""Send by UDP.

Tries: to send a datagram, for which no connection is needed.
Expect: contained
"""

import socket


def send(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        return own.sendto(b"breach", address)


for address in (("1.1.1.1", 53), ("255.255.255.255", 9), ("127.0.0.1", 9)):
    attempt(f"send to {address}", send, address)
