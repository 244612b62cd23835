"""New namespaces by clone.

Tries: the same by clone and by clone3, whose flags lie in memory.
Expect: contained
"""

CLONE_NEWUSER, SIGCHLD = 0x10000000, 17


def by_clone():
    if syscall("clone", CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) == 0:
        os._exit(0)
    return "a child in a user namespace"


def by_clone3():
    arguments = (ctypes.c_uint64 * 11)()
    arguments[0], arguments[4] = CLONE_NEWUSER, SIGCHLD
    if syscall("clone3", arguments, 88) == 0:
        os._exit(0)
    return "a child in a user namespace"


attempt("clone", by_clone)
attempt("clone3", by_clone3)
