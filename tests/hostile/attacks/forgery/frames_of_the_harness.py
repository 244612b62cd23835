"""Walk up the frames.

Tries: to find descriptors, sockets or data of the service in the frames that called it.
Expect: contained
"""

import socket
import sys


def is_open(descriptor):
    try:
        return bool(os.fstat(descriptor))
    except OSError:
        return False


frame = sys._getframe()
found = []
while frame := frame.f_back:
    for name, value in frame.f_locals.items():
        if isinstance(value, socket.socket) and is_open(value.fileno()):
            found.append(f"{frame.f_code.co_name}.{name}: {value!r}")
        if isinstance(value, bytes | str) and "ATTACK" in str(value) and TOKEN not in str(value):
            found.append(f"{frame.f_code.co_name}.{name}: somebody else's code")
if found:
    breach(found)
else:
    contained("the frames hold only its own code")
