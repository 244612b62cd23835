"""Other unix sockets.

Tries: to reach the sockets of a container engine, of D-Bus or of a name service.
Expect: contained
"""

import socket

for path in (
    *("/var/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock"),
    *("/run/dbus/system_bus_socket", "/var/run/nscd/socket", "/run/systemd/notify", "/dev/log"),
):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        attempt(path, lambda: socket.socket(socket.AF_UNIX, kind).connect(path))
