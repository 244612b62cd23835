"""Follow a link out.

Tries: to reach files outside by symbolic links and by paths through /proc.
Expect: contained
"""

TARGETS = (
    "/etc/shadow",
    "/etc/hosts",
    "/proc/1/environ",
    "/run/code-runner",
    "/dev/termination-log",
)
for number, target in enumerate(TARGETS):
    os.symlink(target, f"/tmp/link-{number}")
    attempt(f"through a link to {target}", os.open, f"/tmp/link-{number}", os.O_RDONLY)
    attempt(f"through cwd to {target}", os.open, f"/proc/self/cwd/../..{target}", os.O_RDONLY)
    attempt(f"through root to {target}", os.open, f"/proc/self/root{target}", os.O_RDONLY)
