"""Pretend a timeout.

Tries: to print the service's own words, with an exit code that looks like a timeout's.
Expect: contained
"""

import sys

contained("says what only the service says")
print("Execution timed out after 5 seconds", file=sys.stderr)
print('", "timed_out": true, "reason": "timeout", "exit_code": -1, "x": "')
