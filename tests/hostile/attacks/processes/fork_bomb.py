"""Fork without end.

Tries: to fill the process table until nobody can start anything.
Expect: processes, memory, timeout
"""

while True:
    try:
        os.fork()
    except OSError:
        pass
