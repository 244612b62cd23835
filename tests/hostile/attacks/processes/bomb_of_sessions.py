"""Fork without end, each in a session of its own.

Tries: to fill the process table, and the processors before the agent looks, from nobody's group.
Expect: processes, memory, timeout
"""

while True:
    try:
        if os.fork() == 0:
            os.setsid()
    except OSError:
        pass
