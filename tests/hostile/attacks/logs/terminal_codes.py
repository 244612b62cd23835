"""Codes for the terminal of whoever reads.

Tries: to move the cursor, change the title and answer questions of a terminal.
Expect: contained
"""

contained("codes follow")
os.write(1, b"\x1b]0;BREACH-IN-LOG\x07\x1b[2J\x1b[6n\x1bP$q\x1b\\\x9b31m")
