"""Folders in folders in folders.

Tries: to make a path that whoever cleans up cannot walk.
Expect: contained, timeout
Timeout: 5
"""

depth = 0
try:
    for depth in range(100000):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
        if depth % 2:
            os.chmod(".", 0o100)
except OSError as error:
    contained(f"{depth} deep, then {error!r}")
