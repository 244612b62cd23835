"""New namespaces.

Tries: to become root of a user namespace, from which much more of the kernel can be reached.
Expect: contained
"""

FLAGS = {
    "user": 0x10000000,
    "mount": 0x20000,
    "net": 0x40000000,
    "pid": 0x20000000,
    "uts": 0x4000000,
    "ipc": 0x8000000,
    "cgroup": 0x2000000,
    "time": 0x80,
}
for name, flag in FLAGS.items():
    attempt(f"a {name} namespace", syscall, "unshare", flag)
attempt("user and mount", syscall, "unshare", FLAGS["user"] | FLAGS["mount"])
