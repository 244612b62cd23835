"""Listen.

Tries: to open a port that others in the pod or the cluster could reach.
Expect: contained
"""

import socket

for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
    attempt(f"listen on {host}", lambda: socket.create_server((host, 8099), family=family))
