"""Names that are no text.

Tries: to leave names of every byte, the longest, and ones that look like options or parents.
Expect: contained
"""

for top in (b"/tmp/", b"/dev/shm/"):
    for number in range(1, 256):
        if number != ord("/"):
            os.mkdir(top + bytes([number]) * 2 + b"\xff\xfe")
            os.close(os.open(top + bytes([number]) * 255, os.O_CREAT))
    for name in (b"...", b"-rf", b"--", b"\xed\xa0\x80", b"a\nb", b"%s%n"):
        os.close(os.open(top + name, os.O_CREAT))
contained("left names for the next run to find")
