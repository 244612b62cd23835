"""Dump the harness.

Tries: to have the interpreter print the frames and files of the service, also to other descriptors.
Expect: contained
"""

import faulthandler

for descriptor in range(3, 64):
    faulthandler.dump_traceback(descriptor)
    try:
        breach(f"wrote to {os.fstat(descriptor)}")
    except OSError:
        pass  # there is no such descriptor, which the module does not tell
faulthandler.dump_traceback_later(0.01, repeat=True, file=1)
contained("there is nobody to write to but itself")
