"""Search memory for the runs before.

Tries: to find the text of earlier runs in memory of its own that it has never written to.
Expect: contained
"""

import mmap
import re

# Each attack carries a token; this one's own is known, and any other is somebody else's.
pattern = re.compile(b"[A]TTACK-TOKEN-[0-9a-f]{16}")
own = TOKEN.encode()
areas = [mmap.mmap(-1, 32 << 20, flags=mmap.MAP_PRIVATE), bytearray(16 << 20)]
found = [token for area in areas for token in pattern.findall(area)]
with open("/proc/self/maps") as file:
    regions = [line.split() for line in file]
for limits, modes, *_ in regions:
    if modes.startswith("rw"):
        low, high = (int(x, 16) for x in limits.split("-"))
        found += pattern.findall(ctypes.string_at(low, high - low))
if others := {token for token in found if token != own}:
    breach(others)
else:
    contained(f"only its own token, {found.count(own)} times")
