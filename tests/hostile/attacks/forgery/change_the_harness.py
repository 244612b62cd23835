"""Change the service's own functions.

Tries: to replace what the harness calls at the end of the run, in its modules and its frames.
Expect: contained, failure, signal
"""

import gc
import sys
import threading

for name, module in list(sys.modules.items()):
    if name.startswith("code_runner"):
        for attribute in list(vars(module)):
            if not attribute.startswith("__"):
                setattr(module, attribute, lambda *a, **k: print("BREACH: called instead"))
threading._shutdown = lambda: None
sys.exit = os._exit = lambda status=0: None
gc.collect()
contained("what it changed is its own copy")
