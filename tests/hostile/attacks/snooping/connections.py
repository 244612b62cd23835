"""Who is connected to whom.

Tries: to learn the addresses of the gateway's clients, and what sockets there are.
Expect: contained
"""

for name in (
    "tcp",
    "tcp6",
    "udp",
    "unix",
    "netlink",
    "dev",
    "route",
    "arp",
    "sockstat",
    "fib_trie",
):
    for process in ("net", "self/net", f"self/task/{os.getpid()}/net", "thread-self/net", "1/net"):
        attempt_to_read(f"/proc/{process}/{name}")
attempt_to_read("/sys/class/net")
