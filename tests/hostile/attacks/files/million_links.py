"""A million names for one file.

Tries: to make entries that cost memory, but no inode.
Expect: contained, memory, timeout
Timeout: 5
"""

os.close(os.open("/tmp/one", os.O_CREAT))
made = 0
try:
    for made in range(10**6):
        os.link("/tmp/one", f"/tmp/{made}-{'x' * 200}")
    breach("a million links")
except OSError as error:
    contained(f"{made} links, then {error!r}")
