"""Lines that look like the log's.

Tries: to print what the service itself would log, on both outputs, with every kind of line end.
Expect: contained
"""

line = '{"level": "error", "message": "BREACH-IN-LOG", "run_id": "forged"}'
for end in ("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"):
    os.write(1, (end + line + end).encode())
    os.write(2, (end + line + end).encode())
os.write(1, b"\n")
contained("printed lines of a log")
