"""Write to descriptors that might be inherited.

Tries: to write a forged answer into every descriptor from 3 on.
Expect: contained
"""

import json

forged = json.dumps({"reason": "exited", "stdout": "forged", "exit_code": 0}).encode()
written = []
for descriptor in range(3, 4096):
    try:
        os.write(descriptor, forged)
        written.append(descriptor)
    except OSError:
        pass
if written:
    breach(f"wrote to {written}")
else:
    contained("there is nothing to write to")
