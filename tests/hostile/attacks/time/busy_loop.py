"""Compute without end.

Tries: to keep the slot and a processor.
Expect: timeout
Timeout: 0.5
"""

while True:
    pass
