"""Run before the walls.

Tries: to leave what an interpreter executes when it starts, for the next warm one.
Expect: contained
"""

for name in (".pythonrc", ".python_history", ".profile", ".bashrc", "pyvenv.cfg", "python311._pth"):
    with open(f"/tmp/{name}", "w") as file:
        file.write("print('BREACH: start-up file was used')\n")
os.environ.update(PYTHONSTARTUP="/tmp/.pythonrc", PYTHONPATH="/tmp", LD_PRELOAD="/tmp/x.so")
contained("left start-up files for the next run to find")
