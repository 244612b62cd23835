"""Stop the kernel at a page.

Tries: userfaultfd, which makes races in the kernel easy to win.
Expect: contained
"""

for flags in (0, 1):  # 1: only faults of user code
    attempt(f"flags {flags}", syscall, "userfaultfd", flags)
