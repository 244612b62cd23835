"""Look into the warm interpreter.

Tries: every file of the parent that tells something, or that would change it.
Expect: contained
"""

for name in (
    "environ",
    "maps",
    "mem",
    "fd",
    "stack",
    "syscall",
    "io",
    "auxv",
    "status",
    "map_files",
):
    attempt_to_read(f"/proc/{SERVICE}/{name}")
attempt("mem, to write", os.open, f"/proc/{SERVICE}/mem", os.O_RDWR)
for name in ("cwd", "root", "exe", "ns/net", "fd/0", "fd/3"):
    attempt(f"where {name} leads", os.readlink, f"/proc/{SERVICE}/{name}")
