"""Sixteen processes at once.

Tries: to take the memory in sixteen processes, each of which stays below every limit of its own.
Expect: memory
Timeout: 10
"""

for _ in range(16):
    if os.fork() == 0:
        break
kept = []
for _ in range(200):
    kept.append(bytearray(os.urandom(1 << 10) * 1024))
import time

time.sleep(60)
