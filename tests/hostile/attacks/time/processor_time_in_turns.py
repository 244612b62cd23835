"""Use up processor time in short lives.

Tries: to keep below the limit of each process by dying before it is reached.
Expect: timeout, cpu
Timeout: 1
"""

while True:
    if os.fork() == 0:
        for _ in range(10**6):
            pass
        os._exit(0)
    os.wait()
