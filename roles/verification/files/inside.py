"""Print, as JSON, what a container looks like from inside; the image's own Python runs it.

Two ways to use it, both without the walls that a run puts up for itself, so that what cannot be
reached is kept away by the cluster:
    inside.py TARGETS       by `kubectl exec` in a container of the pod
    inside.py TARGETS URL   as a pod of its own, which calls the service like any client in the
                            cluster, and then stays so that it can itself be called on port 8000

TARGETS is a JSON object of names and [address, port] pairs to connect to.
"""

import importlib.metadata
import importlib.util
import json
import os
import pathlib
import platform
import shutil
import socket
import sys
import threading
import time
import urllib.request

LISTEN = "0A"
COMPILERS = ["cc", "gcc", "g++", "c++", "clang", "tcc", "ld", "as", "make", "go", "rustc"]
# What the reference's .dockerignore leaves out; compiled modules are there on purpose.
LEFT_OUT = [".git", ".gitignore", ".env", ".Python", "README.md", "*.tmp", "*.pyo", "*.pyd"]
CODE = pathlib.Path("/opt/code-runner")
TOKEN = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
KEYS = pathlib.Path("/etc/code-runner/api-keys")
PORT = 8000
# Rules and routes for a new pod may take a few seconds.
PATIENCE_SECONDS = 10
LIFETIME_SECONDS = 60


def listening_ports():
    """Return the TCP ports that somebody in the pod listens on."""
    tables = [pathlib.Path("/proc/net", name) for name in ("tcp", "tcp6")]
    rows = [row.split() for table in tables if table.exists() for row in table.open()]
    return sorted({int(row[1].split(":")[1], 16) for row in rows if row[3] == LISTEN})


def is_writable(folder):
    path = pathlib.Path(folder, ".written-by-verification")
    try:
        path.touch()
        path.unlink()
    except OSError:
        return False
    return True


def process_status():
    """Return what the kernel says of this process, such as its capabilities."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines)


def facts():
    status = process_status()
    return {
        "uid": os.getuid(),
        "python": platform.python_version(),
        "aiohttp": importlib.metadata.version("aiohttp"),
        "pip": bool(importlib.util.find_spec("pip") or shutil.which("pip")),
        "compilers": [name for name in COMPILERS if shutil.which(name)],
        "ports": listening_ports(),
        "left_out": [str(path) for pattern in LEFT_OUT for path in CODE.rglob(pattern)],
        "token": TOKEN.exists(),
        "keys": KEYS.exists(),
        "writable": [folder for folder in ("/", "/etc", str(CODE)) if is_writable(folder)],
        "capabilities": int(status["CapBnd"], 16) | int(status["CapEff"], 16),
        "no_new_privs": int(status["NoNewPrivs"]),
        "seccomp": int(status["Seccomp"]),
        "host_user": int(pathlib.Path("/proc/self/uid_map").read_text().split()[1]),
    }


def usual_targets():
    """Return the API server and the name server, as every pod is told of them."""
    api_server = [
        os.environ.get("KUBERNETES_SERVICE_HOST"),
        os.environ.get("KUBERNETES_SERVICE_PORT"),
    ]
    servers = [
        line.split()[1]
        for line in pathlib.Path("/etc/resolv.conf").read_text().splitlines()
        if line.startswith("nameserver ")
    ]
    return {"API server": api_server, **({"DNS": [servers[0], 53]} if servers else {})}


def reach(targets):
    """Return for each target "connected" or why not; a dropped packet takes two seconds."""
    outcomes = {}

    def connect(name, address, port):
        try:
            socket.create_connection((address, port), timeout=2).close()
            outcomes[name] = "connected"
        except OSError as error:
            outcomes[name] = os.strerror(error.errno) if error.errno else str(error)

    threads = [threading.Thread(target=connect, args=(name, *at)) for name, at in targets.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def get(url):
    """Return [status, body] of the first answer."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=3) as answer:
                return [answer.status, json.load(answer)]
        except (OSError, ValueError) as error:
            if time.monotonic() > give_up:
                return [0, str(error)]
        time.sleep(0.2)


def main(targets, url=""):
    if url:
        # Not yet accepted, a connection is made all the same.
        listener = socket.create_server(("", PORT))
        called = get(url)
    found = {**facts(), "reach": reach({**usual_targets(), **json.loads(targets)})}
    if url:
        print(json.dumps({**found, "called": called, "address": os.environ["ADDRESS"]}), flush=True)
        time.sleep(LIFETIME_SECONDS)
        listener.close()
    else:
        print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
