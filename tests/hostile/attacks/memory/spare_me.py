"""Escape the out-of-memory killer.

Tries: to make the kernel take the runner instead, when memory is short.
Expect: contained
"""


def adjust(pid, value):
    with open(f"/proc/{pid}/oom_score_adj", "w") as file:
        file.write(value)


for pid, value in (("self", "-1000"), ("self", "0"), (AGENT, "1000"), (SERVICE, "1000")):
    attempt(f"oom_score_adj of {pid}", adjust, pid, value)
