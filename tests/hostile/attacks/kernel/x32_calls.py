"""System calls of the x32 ABI.

Tries: numbers with bit 30 set, which older filters forgot.
Expect: contained
"""

if os.uname().machine != "x86_64":
    contained("only x86_64 has them")
for name in ("getpid", "ptrace", "unshare"):
    result = libc.syscall(ctypes.c_long(0x40000000 | CALLS[name][0]), ctypes.c_long(0))
    if result >= 0:
        breach(f"{name} gave {result}")
    else:
        contained(f"{name}: errno {ctypes.get_errno()}")
