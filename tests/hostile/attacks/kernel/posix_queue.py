"""POSIX message queues.

Tries: to leave a message for a run in another slot: queues are shared by the containers of a pod.
Expect: contained
"""

attempt("a queue", syscall, "mq_open", b"left", os.O_CREAT | os.O_RDWR, 0o666, 0)
