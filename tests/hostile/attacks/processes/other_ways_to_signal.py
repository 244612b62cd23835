"""Signal by the less known calls.

Tries: tgkill, rt_sigqueueinfo and pidfd_send_signal on PID 1 and on the parent.
Expect: contained
"""

information = ctypes.create_string_buffer(128)
ctypes.c_int.from_buffer(information, 8).value = -1  # SI_QUEUE


def by_pidfd(pid):
    descriptor = syscall("pidfd_open", pid, 0)
    return syscall("pidfd_send_signal", descriptor, 10, None, 0)


for pid in (AGENT, SERVICE):
    attempt(f"tgkill {pid}", syscall, "tgkill", pid, pid, 10)
    attempt(f"rt_sigqueueinfo {pid}", syscall, "rt_sigqueueinfo", pid, 10, information)
    attempt(f"pidfd_send_signal {pid}", by_pidfd, pid)
