"""Trace the service.

Tries: to attach to the runner and to the warm interpreter.
Expect: contained
"""

PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206
for pid in (SERVICE, AGENT):
    attempt(f"seize {pid}", syscall, "ptrace", PTRACE_SEIZE, pid, 0, 0)
    attempt(f"attach to {pid}", syscall, "ptrace", PTRACE_ATTACH, pid, 0, 0)
