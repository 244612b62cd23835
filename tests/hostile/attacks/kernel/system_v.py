"""System V objects.

Tries: to leave shared memory, semaphores and queues that outlive the run, for other containers.
Expect: contained
"""

IPC_CREAT = 0o1000
attempt("shared memory", syscall, "shmget", 0x1234, 1 << 20, IPC_CREAT | 0o666)
attempt("semaphores", syscall, "semget", 0x1234, 1, IPC_CREAT | 0o666)
attempt("a queue", syscall, "msgget", 0x1234, IPC_CREAT | 0o666)
