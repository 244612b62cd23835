"""The kernel's cryptography.

Tries: an AF_ALG socket, which runs kernel code on its data, and holds memory there.
Expect: contained
"""

import socket


def hash_something():
    with socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET) as own:
        own.bind(("hash", "sha256"))
        return own.accept()[0].send(b"x")


attempt("AF_ALG", hash_something)
