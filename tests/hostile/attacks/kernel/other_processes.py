"""Move and advise the pages of others.

Tries: move_pages, migrate_pages, process_madvise and process_mrelease on the service.
Expect: contained
"""

nodes = (ctypes.c_ulong * 1)(1)
status = ctypes.c_int()
vector = (ctypes.c_size_t * 2)(id(os) & ~4095, 4096)
page = (ctypes.c_void_p * 1)(id(os) & ~4095)
for pid in (SERVICE, AGENT):
    attempt(f"migrate {pid}", syscall, "migrate_pages", pid, 8, nodes, nodes)
    attempt(
        f"ask where {pid} is", syscall, "move_pages", pid, 1, page, None, ctypes.byref(status), 0
    )
attempt(
    "advise",
    lambda: syscall("process_madvise", syscall("pidfd_open", SERVICE, 0), vector, 1, 20, 0),
)
attempt("release", lambda: syscall("process_mrelease", syscall("pidfd_open", SERVICE, 0), 0))
