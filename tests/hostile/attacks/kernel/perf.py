"""Watch by performance counters.

Tries: perf_event_open on itself, the runner and the whole machine.
Expect: contained
"""

attributes = (ctypes.c_uint32 * 32)(1, 128)  # software events
attributes[10] = 0x60  # exclude the kernel and the hypervisor
for pid, cpu in ((0, -1), (AGENT, -1), (-1, 0)):
    attempt(f"pid {pid} cpu {cpu}", syscall, "perf_event_open", attributes, pid, cpu, -1, 0)
