"""Watch a whole file system.

Tries: fanotify, also in the kind that needs no privilege.
Expect: contained
"""

FAN_REPORT_FID = 0x200
attempt("fanotify", syscall, "fanotify_init", FAN_REPORT_FID, 0)
