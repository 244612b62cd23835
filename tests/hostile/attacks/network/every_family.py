"""Every family of sockets.

Tries: all families there are with all types, for one that nobody has thought of.
Expect: contained
"""

import socket

opened = []
for family in range(64):
    for kind in range(1, 8):
        for make in (socket.socket, socket.socketpair):
            try:
                made = make(family, kind)
                if make is socket.socket or (family, kind) != (socket.AF_UNIX, socket.SOCK_STREAM):
                    opened.append((family, kind, make.__name__, made))
            except OSError:
                pass
if opened:
    breach(opened)
else:
    contained("none but a pair of unix streams")
