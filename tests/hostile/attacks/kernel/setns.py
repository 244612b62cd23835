"""Enter other namespaces.

Tries: to enter the namespaces of the runner and of itself.
Expect: contained
"""


def enter(pid, name):
    return syscall("setns", os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY), 0)


for pid in (AGENT, SERVICE, "self"):
    for name in ("user", "mnt", "net", "pid"):
        attempt(f"{name} of {pid}", enter, pid, name)
attempt("by pidfd", lambda: syscall("setns", syscall("pidfd_open", SERVICE, 0), 0x10000000))
