"""Print without end.

Tries: to fill the memory of runner and gateway with output.
Expect: timeout, output
Timeout: 1
"""

block = b"x" * 65536
while True:
    os.write(1, block)
