"""Walk through all objects.

Tries: by the garbage collector, to find open sockets and files of the service.
Expect: contained
"""

import gc
import io
import socket

found = []
gc.unfreeze()
for thing in gc.get_objects():
    try:
        if isinstance(thing, socket.socket | io.IOBase) and thing.fileno() > 2:
            os.fstat(thing.fileno())
            found.append(repr(thing))
    except (OSError, ValueError, ReferenceError):
        pass  # closed
if found:
    breach(found)
else:
    contained("no open socket or file")
