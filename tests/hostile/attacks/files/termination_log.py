"""The termination log.

Tries: to write to /dev/termination-log, a file of the host that outlives the run and the container.
Expect: contained
"""


def write():
    with open("/dev/termination-log", "r+b") as file:
        return file.write(b"breach")


attempt("read", os.open, "/dev/termination-log", os.O_RDONLY)
attempt("write", write)
