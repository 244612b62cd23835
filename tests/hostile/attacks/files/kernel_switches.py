"""Turn the switches of the kernel.

Tries: to write to /proc/sys, /proc and /sys.
Expect: contained
"""

SWITCHES = (
    *("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/drop_caches"),
    *("/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ip_forward", "/proc/sysrq-trigger"),
    *(
        "/proc/sys/fs/binfmt_misc/register",
        "/proc/sys/kernel/ns_last_pid",
        "/proc/irq/0/smp_affinity",
    ),
    *("/sys/kernel/uevent_helper", "/sys/power/state", "/sys/module/kernel/parameters/panic"),
    *("/proc/sys/kernel/random/uuid", "/proc/sys/vm/overcommit_memory", "/proc/scsi/scsi"),
)
for switch in SWITCHES:
    attempt(switch, os.open, switch, os.O_WRONLY)
