"""A million files.

Tries: to use up the inodes, and to make emptying the folder take for ever.
Expect: contained, memory, timeout
Timeout: 5
"""

for folder in ("/tmp", "/dev/shm"):
    made = 0
    try:
        for made in range(10**6):
            os.close(os.open(f"{folder}/{made}", os.O_CREAT))
        breach(f"a million files in {folder}")
    except OSError as error:
        contained(f"{made} in {folder}, then {error!r}")
