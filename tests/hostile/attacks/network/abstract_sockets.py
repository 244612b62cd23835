"""Meet at an abstract name.

Tries: to speak to a run in another slot by a unix socket that has no file.
Expect: contained
"""

import socket


def listen():
    with socket.socket(socket.AF_UNIX) as own:
        own.bind("\0meeting-point")
        own.listen()


def call():
    first, _ = socket.socketpair()
    first.connect("\0meeting-point")


attempt("listen", listen)
attempt("call", call)
attempt("send", lambda: socket.socketpair()[0].sendto(b"x", "\0meeting-point"))
