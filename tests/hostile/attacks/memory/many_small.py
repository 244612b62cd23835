"""Many small objects.

Tries: to fill the memory in pieces that nobody would notice one by one.
Expect: memory, contained
Timeout: 10
"""

kept = []
try:
    while True:
        kept.append([len(kept)] * 1000)
except MemoryError:
    kept = None
    contained("MemoryError")
