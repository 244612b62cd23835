"""Speak to the hypervisor.

Tries: a vsock to the host of a virtual machine.
Expect: contained
"""

import socket


def connect():
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as own:
        own.settimeout(0.3)
        own.connect((socket.VMADDR_CID_HOST, 1024))


attempt("vsock", connect)
attempt("vsock, socket only", socket.socket, socket.AF_VSOCK, socket.SOCK_STREAM)
