"""Look into the runner.

Tries: every file of PID 1 that tells something.
Expect: contained
"""

NAMES = (
    *(
        "environ",
        "maps",
        "mem",
        "fd",
        "cwd",
        "root",
        "exe",
        "stack",
        "syscall",
        "io",
        "auxv",
        "status",
    ),
    *(
        "net/tcp",
        "net/unix",
        "mountinfo",
        "cgroup",
        "task",
        "map_files",
        "ns",
        "smaps",
        "wchan",
        "stat",
    ),
)
for name in NAMES:
    attempt_to_read(f"/proc/{AGENT}/{name}")
for name in ("cwd", "root", "exe", "ns/net", "fd/0"):
    attempt(f"where {name} leads", os.readlink, f"/proc/{AGENT}/{name}")
