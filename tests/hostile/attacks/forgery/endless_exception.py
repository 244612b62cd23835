"""An exception that never ends.

Tries: to hang the report of its exception, or to make it endless.
Expect: timeout, contained, memory, output
Timeout: 1
"""


class Endless(Exception):
    def __str__(self):
        raise Endless from Endless()

    __repr__ = __str__


contained("raising what cannot be shown")
try:
    raise Endless
finally:
    while True:
        pass
