"""Take descriptors of others.

Tries: pidfd_getfd and kcmp on the runner and the warm interpreter.
Expect: contained
"""


def steal(pid, descriptor):
    return syscall("pidfd_getfd", syscall("pidfd_open", pid, 0), descriptor, 0)


KCMP_FILE = 0
for pid in (AGENT, SERVICE):
    for descriptor in range(8):
        attempt(f"descriptor {descriptor} of {pid}", steal, pid, descriptor)
    attempt(f"compare with {pid}", syscall, "kcmp", pid, os.getpid(), KCMP_FILE, 0, 0)
