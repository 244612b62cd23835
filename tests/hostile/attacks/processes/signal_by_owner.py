"""Have the kernel send a signal.

Tries: by F_SETOWN and O_ASYNC, to let a pipe send SIGKILL to the parent.
Expect: contained
"""

import fcntl
import signal

F_SETSIG = 10
reader, writer = os.pipe()
try:
    fcntl.fcntl(reader, fcntl.F_SETOWN, SERVICE)
    fcntl.fcntl(reader, F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC)
    os.write(writer, b"x")
    contained("the signal was sent; the service has to outlive it")
except OSError as error:
    contained(error)
