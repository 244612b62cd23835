"""Make devices.

Tries: to make nodes for disks, memory and terminals in its own folders.
Expect: contained
"""

import stat

DEVICES = {
    "mem": (1, 1),
    "kmsg": (1, 11),
    "sda": (8, 0),
    "vda": (254, 0),
    "tty": (5, 0),
    "fuse": (10, 229),
}
for folder in ("/tmp", "/dev/shm", "/dev"):
    for name, (major, minor) in DEVICES.items():
        for kind in (stat.S_IFCHR, stat.S_IFBLK):
            device = os.makedev(major, minor)
            attempt(f"{folder}/{name}", os.mknod, f"{folder}/x{name}", kind | 0o666, device)
