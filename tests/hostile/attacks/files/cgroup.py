"""Change the cgroup.

Tries: to raise the limits of its own container, leave its cgroup, or set a release agent.
Expect: contained
"""

GROUP = "/sys/fs/cgroup"
FILES = (
    *(
        "memory/memory.limit_in_bytes",
        "memory/cgroup.procs",
        "pids/pids.max",
        "memory/notify_on_release",
    ),
    *(
        "memory/release_agent",
        "release_agent",
        "memory.max",
        "pids.max",
        "cgroup.procs",
        "cgroup.kill",
    ),
    *("cgroup.freeze", "freezer/freezer.state", "devices/devices.allow", "cpu/cpu.shares"),
)
for name in FILES:
    attempt(name, os.open, f"{GROUP}/{name}", os.O_WRONLY)
for folder in ("", "/memory", "/pids"):
    attempt(f"a group below {folder or '/'}", os.mkdir, f"{GROUP}{folder}/breach")
