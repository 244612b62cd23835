"""Wait for input.

Tries: to wait for ever on standard input, or to find somebody else's there.
Expect: contained
"""

if text := os.read(0, 100):
    breach(f"read {text!r}")
else:
    contained("standard input is empty")
