"""Connect by TCP.

Tries: to reach the Internet, with the address and by name.
Expect: contained
"""

import socket

for address in (("1.1.1.1", 443), ("8.8.8.8", 53), ("example.org", 80)):
    attempt(f"connect to {address}", socket.create_connection, address, 0.5)
