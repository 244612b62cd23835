"""Flood both outputs from many threads.

Tries: to starve one stream by the other, and the neighbours by both.
Expect: timeout, output
Timeout: 1
"""

import threading


def flood(descriptor):
    while True:
        os.write(descriptor, b"line\n" * 4096)


for number in range(8):
    threading.Thread(target=flood, args=(1 + number % 2,)).start()
