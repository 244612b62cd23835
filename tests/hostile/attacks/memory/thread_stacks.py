"""Large stacks of threads.

Tries: to take memory as stacks, a hundred of 64 MiB each.
Expect: contained, memory, processes
"""

import threading

threading.stack_size(64 << 20)
release = threading.Event()
threads = []
try:
    for _ in range(100):
        threads.append(threading.Thread(target=release.wait))
        threads[-1].start()
    breach("6.4 GiB of stacks")
except RuntimeError as error:
    contained(f"{len(threads)} threads, then {error}")
release.set()
