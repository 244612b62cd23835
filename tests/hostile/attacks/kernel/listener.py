"""Answer one's own system calls.

Tries: a seccomp listener that lets refused calls of a child go through.
Expect: contained
"""

CONTINUE, NEW_LISTENER, USER_NOTIFY = 1, 8, 0x7FC00000
notify = (ctypes.c_uint64 * 1)(USER_NOTIFY << 32 | 6)
program = (ctypes.c_uint64 * 2)(1, ctypes.addressof(notify))
child = os.fork()
if child == 0:
    try:
        syscall("seccomp", 1, NEW_LISTENER, program)
        # Nobody answers: what follows would wait for ever, if the older filter let it come so far.
        os._exit(0)
    except OSError:
        os._exit(1)
import signal
import time

time.sleep(0.2)
os.kill(child, signal.SIGKILL)
os.wait()
attempt("unshare all the same", syscall, "unshare", 0x10000000)
