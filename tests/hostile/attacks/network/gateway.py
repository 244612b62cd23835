"""Call the gateway.

Tries: to use the service from inside: its port on loopback, on every address, and by its names.
Expect: contained
"""

import socket

for host in ("127.0.0.1", "0.0.0.0", "localhost", "code-runner-service", "::1"):
    for port in (8000, 80):
        attempt(f"{host}:{port}", socket.create_connection, (host, port), 0.3)
