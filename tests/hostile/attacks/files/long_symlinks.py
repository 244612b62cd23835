"""Symbolic links to long names.

Tries: to keep data in the targets of links, where a count of blocks may not see it.
Expect: contained, memory, timeout
Timeout: 5
"""

made = 0
try:
    for made in range(10**6):
        os.symlink("x" * 4000, f"/dev/shm/{made}")
    breach("4 GB of links")
except OSError as error:
    contained(f"{made} links, then {error!r}")
