"""Compute in many processes.

Tries: to take all processors of the node for itself.
Expect: timeout, cpu
Timeout: 1
"""

for _ in range(5):
    os.fork()
while True:
    pass
