"""Calls of an administrator.

Tries: to reboot, load modules and kernels, swap, set clocks, account, and set quotas.
Expect: contained
"""

import time

attempt("reboot", syscall, "reboot", 0xFEE1DEAD - (1 << 32), 672274793, 0, 0)
attempt("a module", syscall, "init_module", b"x", 1, b"")
attempt("a kernel", syscall, "kexec_load", 0, 0, None, 0)
attempt("swap", syscall, "swapon", b"/tmp/swap", 0)
attempt("accounting", syscall, "acct", b"/tmp/run/main.py")
attempt("quota", syscall, "quotactl", 0x800007 << 8, b"/tmp", 0, None)
attempt("the clock", time.clock_settime, time.CLOCK_REALTIME, 0)
attempt("the name", lambda: __import__("socket").sethostname("breach"))
