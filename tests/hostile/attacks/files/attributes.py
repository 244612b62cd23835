"""Extended attributes on the folders.

Tries: to leave data in attributes, where no list of files shows it.
Expect: contained
"""

for path in ("/tmp", "/dev/shm", "/tmp/run", "/tmp/run/main.py"):
    for name in ("user.note", "trusted.note", "security.note", "system.posix_acl_default"):
        attempt(f"{name} on {path}", os.setxattr, path, name, b"\x02\0\0\0left")
