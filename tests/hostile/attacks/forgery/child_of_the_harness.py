"""Return twice.

Tries: to let a forked child come back into the harness as well, and finish the run a second time.
Expect: contained
"""

import sys

child = os.fork()
if child == 0:
    raise SystemExit(7)
os.wait()
contained("came back once")
sys.exit(0)
