"""Open devices that are there.

Tries: to open terminals, consoles, disks and everything else below /dev.
Expect: contained
"""

NAMES = (
    *("tty", "console", "ptmx", "pts/0", "pts/ptmx", "mem", "kmem", "port", "kmsg", "fuse", "kvm"),
    *(
        "net/tun",
        "vhost-net",
        "vhost-vsock",
        "vsock",
        "loop-control",
        "loop0",
        "sda",
        "vda",
        "nvme0n1",
    ),
    *(
        "mapper/control",
        "uinput",
        "input/event0",
        "dri/card0",
        "userfaultfd",
        "core",
        "hpet",
        "rtc0",
    ),
    *("cuse", "btrfs-control", "autofs", "snapshot", "watchdog", "nvidiactl", "mqueue", "snd/seq"),
)
for name in NAMES:
    attempt(name, os.open, f"/dev/{name}", os.O_RDWR | os.O_NOCTTY)
