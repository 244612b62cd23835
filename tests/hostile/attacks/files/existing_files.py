"""Write to files that are there.

Tries: to open for writing what the engine puts into a container: hosts, resolv.conf and the like.
Expect: contained
"""

PLACES = (
    *("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/passwd", "/etc/ld.so.cache"),
    *("/run/.containerenv", "/opt/code-runner/code_runner/__init__.py", "/usr/bin/python3"),
    *("/usr/lib/os-release", "/etc/mtab"),
)
for path in PLACES:
    attempt(f"write to {path}", os.open, path, os.O_WRONLY)
    attempt(f"change the mode of {path}", os.chmod, path, 0o777)
