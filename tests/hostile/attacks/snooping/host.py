"""Learn about the host.

Tries: to read the kernel's log and memory, its keys and symbols, and how the node is mounted.
Expect: contained
"""

FILES = (
    *(
        "/proc/kcore",
        "/proc/kallsyms",
        "/proc/keys",
        "/proc/key-users",
        "/proc/timer_list",
        "/proc/mounts",
    ),
    *(
        "/proc/self/mountinfo",
        "/proc/self/cgroup",
        "/proc/self/mounts",
        "/proc/cmdline",
        "/proc/modules",
    ),
    *("/proc/partitions", "/proc/diskstats", "/proc/interrupts", "/proc/locks", "/proc/kpagecount"),
    *(
        "/proc/vmallocinfo",
        "/proc/slabinfo",
        "/proc/sched_debug",
        "/proc/kmsg",
        "/sys/class/dmi/id/product_uuid",
    ),
    *(
        "/sys/kernel/debug",
        "/sys/kernel/tracing",
        "/sys/firmware",
        "/boot",
        "/sys/fs/cgroup",
        "/proc/sysvipc/shm",
    ),
)
for path in FILES:
    attempt_to_read(path)
