"""Turn the switches in /proc/self.

Tries: to write to each file of its own process that changes something.
Expect: contained
"""

SWITCHES = (
    *("uid_map", "gid_map", "setgroups", "loginuid", "oom_adj", "oom_score_adj", "clear_refs"),
    *("attr/current", "attr/exec", "coredump_filter", "timerslack_ns", "autogroup", "sched", "mem"),
    *("projid_map", "make-it-fail", "timens_offsets", "environ"),
)
for switch in SWITCHES:
    attempt(f"/proc/self/{switch}", os.open, f"/proc/self/{switch}", os.O_WRONLY)
