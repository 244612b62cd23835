"""Named shared memory.

Tries: to leave shared memory under a name for the next run, and to fill it.
Expect: contained, signal
"""

from multiprocessing import resource_tracker, shared_memory

resource_tracker.register = lambda *arguments: None  # or it would be tidied up
try:
    for number in range(20):
        block = shared_memory.SharedMemory(f"left-{number}", create=True, size=8 << 20)
        block.buf[:] = b"x" * len(block.buf)
    breach("160 MiB of shared memory")
except OSError as error:
    contained(error)
