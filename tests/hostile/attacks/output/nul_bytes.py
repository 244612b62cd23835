"""NUL bytes and control characters.

Tries: to break the JSON of the answer, or a log, with bytes that end strings.
Expect: contained
"""

os.write(1, bytes(range(256)) * 8)
os.write(2, b"\0" * 5000 + b'"}],\r\n\r\nHTTP/1.1 200 OK\r\n\r\n')
os.write(1, b"\n")
contained("printed every byte there is")
