"""Names that break a log.

Tries: to have its process's name or folder logged, with line ends in them.
Expect: contained
"""

syscall("prctl", 15, b'x\n{"level":', 0, 0, 0)  # PR_SET_NAME
folder = '/tmp/x\n{"message": "BREACH-IN-LOG"}'
os.mkdir(folder)
os.chdir(folder)
os.chmod(folder, 0)
contained("left a name for the cleaning to log")
