"""Exit codes that mean something else.

Tries: to end in children with every code, so that the service takes one of them for the run's.
Expect: contained
"""

for code in range(0, 256, 5):
    if os.fork() == 0:
        os._exit(code)
contained("the run's own code is 0")
