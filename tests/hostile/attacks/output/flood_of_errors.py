"""Print errors without end, a byte at a time.

Tries: to keep the runner busy with as many reads as possible.
Expect: timeout, output
Timeout: 1
"""

while True:
    os.write(2, b"!")
