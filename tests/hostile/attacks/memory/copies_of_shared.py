"""Copy on write.

Tries: to fork with a large memory and to write to it in every child.
Expect: memory
Timeout: 10
"""

import time

block = bytearray(100 << 20)
for _ in range(10):
    if os.fork() == 0:
        for page in range(0, len(block), 4096):
            block[page] = 1
        time.sleep(60)
time.sleep(60)
