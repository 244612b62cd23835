"""Write after one's end.

Tries: to get text into the answer of the next run through a daemon with the old outputs.
Expect: contained
"""

# Before the flood, which may fill all that is shown.
contained("leaves a writer")
if os.fork() == 0:
    os.setsid()
    while True:
        try:
            os.write(1, b"late\n")
            os.write(2, b"late\n")
        except OSError:
            pass
