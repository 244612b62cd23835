"""Read the kernel's log.

Tries: by syslog(2), to read and to clear what the kernel has logged.
Expect: contained
"""

buffer = ctypes.create_string_buffer(4096)
for action in (2, 3, 4, 5, 10):  # read, read all, read and clear, clear, size
    attempt(f"syslog {action}", syscall, "syslog", action, buffer, 4096)
