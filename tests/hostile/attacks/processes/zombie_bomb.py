"""Leave dead children unreaped.

Tries: to use up process ids with children that have ended and that nobody waits for.
Expect: processes, timeout
"""

while True:
    try:
        if os.fork() == 0:
            os._exit(0)
    except OSError:
        pass
