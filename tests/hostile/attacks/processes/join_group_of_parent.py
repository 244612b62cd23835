"""Enter the service's process group.

Tries: to get into the parent's group, which signals to its own group would reach then.
Expect: contained
"""

attempt("setpgid to the parent's group", os.setpgid, 0, SERVICE)
attempt("setpgid to the group of PID 1", os.setpgid, 0, AGENT)
attempt("put the parent into its own", os.setpgid, SERVICE, os.getpid())
