"""Outrun the sweep.

Tries: to fork a successor and die, again and again, so that no list of processes is up to date.
Expect: contained, processes, timeout
"""

for _ in range(20):
    if os.fork() == 0:
        os.setsid()
        while True:
            if os.fork():
                os._exit(0)
contained("left twenty chains for the next run to find")
