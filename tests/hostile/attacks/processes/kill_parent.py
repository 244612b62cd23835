"""Kill the parent.

Tries: to end the warm interpreter, from which all later runs come.
Expect: contained
"""

import signal

attempt("SIGKILL to the parent", os.kill, SERVICE, signal.SIGKILL)
