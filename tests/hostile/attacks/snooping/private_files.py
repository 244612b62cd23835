"""Read the private files of the image.

Tries: to read shadow passwords, root's home, the service's own code and settings of the container.
Expect: contained
"""

FILES = (
    *("/etc/shadow", "/etc/gshadow", "/root", "/root/.ssh", "/etc/hosts", "/etc/hostname"),
    *("/etc/resolv.conf", "/run/.containerenv", "/.dockerenv", "/var/log", "/var/lib", "/home"),
    *("/opt", "/opt/code-runner/code_runner/settings.py", "/etc/fstab", "/run/code-runner", "/etc"),
)
for path in FILES:
    attempt_to_read(path)
