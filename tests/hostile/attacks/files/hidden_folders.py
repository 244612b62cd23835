"""Write into folders that cannot be listed.

Tries: by name, the places where a container leaves something writable.
Expect: contained
"""

PLACES = (
    *("/dev/mqueue/x", "/dev/pts/x", "/run/x", "/run/lock/x", "/run/code-runner/x", "/var/tmp/x"),
    *("/run/code-runner/slot-0/x", "/var/run/x", "/etc/x", "/x", "/opt/code-runner/x", "/mnt/x"),
    *("/run/secrets/x", "/sys/fs/cgroup/x", "/proc/sys/kernel/x", "/usr/lib/x", "/home/x"),
)


def create(path):
    with open(path, "w"):
        return path


for path in PLACES:
    attempt(f"create {path}", create, path)
