"""One operation without end.

Tries: to stay inside C code that never looks for signals.
Expect: timeout, memory
Timeout: 0.5
"""

9**9**9
