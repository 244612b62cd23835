"""Change the scheduler.

Tries: real-time classes for itself, the idle class for the service.
Expect: contained
"""

RESET = os.sched_param(0)
attempt("real time", os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(1))
attempt("round robin", os.sched_setscheduler, 0, os.SCHED_RR, os.sched_param(1))
for pid in (AGENT, SERVICE):
    attempt(f"idle for {pid}", os.sched_setscheduler, pid, os.SCHED_IDLE, RESET)
    attempt(f"batch for {pid}", os.sched_setscheduler, pid, os.SCHED_BATCH, RESET)
deadline = (ctypes.c_uint32 * 12)(48, 6, 0, 0, 0, 0, 10**7, 0, 10**7, 0, 10**7, 0)
attempt("deadlines", syscall, "sched_setattr", 0, deadline, 0)
