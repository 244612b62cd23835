"""Files that are no files.

Tries: to leave pipes, sockets, loops of links, and a link to the root in the way of cleaning.
Expect: contained
"""

import socket

for top in ("/tmp", "/dev/shm"):
    os.mkfifo(f"{top}/pipe")
    os.symlink("/", f"{top}/root")
    os.symlink("loop", f"{top}/loop")
    os.symlink("/proc/self/fd/0", f"{top}/descriptor")
    os.link(f"{top}/pipe", f"{top}/other")
    try:
        end, _ = socket.socketpair()
        end.bind(f"{top}/socket")
    except OSError:
        pass
contained("left odd files for the next run to find")
