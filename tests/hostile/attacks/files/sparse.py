"""A sparse file.

Tries: to make a file of a terabyte, so that whatever adds up sizes runs over.
Expect: contained, signal
"""

import signal

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for folder in ("/tmp", "/dev/shm"):
    file = os.open(f"{folder}/sparse", os.O_CREAT | os.O_RDWR)
    attempt(f"a terabyte in {folder}", os.ftruncate, file, 1 << 40)
    attempt(f"allocate it in {folder}", os.posix_fallocate, file, 0, 1 << 40)
