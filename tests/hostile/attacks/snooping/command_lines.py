"""Read command lines.

Tries: to list all processes and read their arguments.
Expect: contained
"""

attempt("list /proc", os.listdir, "/proc")
for pid in (AGENT, SERVICE, "thread-self"):
    attempt_to_read(f"/proc/{pid}/cmdline")
