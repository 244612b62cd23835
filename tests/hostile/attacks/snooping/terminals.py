"""Use a terminal.

Tries: to find a controlling terminal, and to type into it.
Expect: contained
"""

import fcntl
import termios

attempt("controlling terminal", os.open, "/dev/tty", os.O_RDWR)
for descriptor in range(3):
    attempt(f"type into {descriptor}", fcntl.ioctl, descriptor, termios.TIOCSTI, b"x")
attempt("a new terminal", os.openpty)
