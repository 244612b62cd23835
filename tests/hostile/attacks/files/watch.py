"""Watch other people's files.

Tries: by inotify, of which Landlock knows nothing, to learn what service and neighbours do.
Expect: contained
"""

IN_ALL_EVENTS = 0xFFF
watch = libc.inotify_init1(0)


def add(path):
    if libc.inotify_add_watch(watch, path.encode(), IN_ALL_EVENTS) < 0:
        raise OSError(ctypes.get_errno(), "inotify")


for path in ("/run/code-runner", "/proc", "/etc/hosts", "/sys/fs/cgroup", "/", "/dev"):
    attempt(f"watch {path}", add, path)
