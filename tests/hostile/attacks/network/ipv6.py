"""The other Internet Protocol.

Tries: what is refused for IPv4, with IPv6.
Expect: contained
"""

import socket


def send():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as own:
        return own.sendto(b"breach", ("ff02::1", 9))


attempt("connect", socket.create_connection, ("::1", 8000), 0.5)
attempt("connect outside", socket.create_connection, ("2606:4700:4700::1111", 443), 0.5)
attempt("send to all", send)
