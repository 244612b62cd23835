"""One line of 200 MB.

Tries: to be kept whole by something that reads by lines.
Expect: contained, timeout, output
"""

contained("an endless line follows")
for _ in range(200):
    os.write(1, b"x" * 10**6)
