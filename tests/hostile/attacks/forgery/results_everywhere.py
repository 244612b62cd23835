"""Send results as the runner does.

Tries: to write frames of the protocol into every descriptor, 0, 1 and 2 included.
Expect: contained
"""

import json
import struct

meta = json.dumps({"run_id": "x", "reason": "exited", "exit_code": 0, "stdout_bytes": 6}).encode()
frame = struct.pack("!BII", 5, len(meta), 6) + meta + b"forged"
contained("frames follow")
for descriptor in range(64):
    try:
        os.write(descriptor, frame)
    except OSError:
        pass
