"""Message queues as files.

Tries: to leave a file in /dev/mqueue, which all containers of a pod share.
Expect: contained
"""

attempt("list", os.listdir, "/dev/mqueue")
attempt("create", os.open, "/dev/mqueue/left", os.O_CREAT | os.O_RDWR)
