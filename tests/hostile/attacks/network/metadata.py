"""The cloud's metadata.

Tries: to ask the node's cloud for credentials, and the kubelet for its pods.
Expect: contained
"""

import socket

for address in (
    ("169.254.169.254", 80),
    ("169.254.170.2", 80),
    ("127.0.0.1", 10250),
    ("10.96.0.1", 443),
):
    attempt(f"connect to {address}", socket.create_connection, address, 0.3)
