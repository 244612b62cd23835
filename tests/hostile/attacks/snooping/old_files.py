"""Look for files of the runs before.

Tries: to find anything in its folders, or among the blocks that a new file gets.
Expect: contained
"""

found = []
for top in ("/tmp", "/dev/shm"):
    for path, folders, files in os.walk(top):
        found += [f"{path}/{name}" for name in folders + files]
if others := set(found) - {"/tmp/run", "/tmp/run/main.py"}:
    breach(others)
with open("/tmp/blocks", "wb+") as file:
    file.truncate(16 << 20)
    if any(file.read()):
        breach("a new file is not empty")
contained("the folders are as new")
