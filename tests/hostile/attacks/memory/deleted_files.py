"""Deleted files that stay open.

Tries: to fill the folders of the slot with files that no list shows.
Expect: contained
"""

for folder in ("/tmp", "/dev/shm"):
    files = []
    written = 0
    try:
        for number in range(100):
            file = os.open(f"{folder}/{number}", os.O_CREAT | os.O_RDWR)
            files.append(file)
            os.unlink(f"{folder}/{number}")
            written += os.write(file, b"x" * (8 << 20))
        breach(f"{written >> 20} MiB in {folder}")
    except OSError as error:
        contained(f"{written >> 20} MiB in {folder}, then {error!r}")
