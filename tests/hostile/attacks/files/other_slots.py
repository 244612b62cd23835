"""Reach the other slots.

Tries: to find, change, remove or replace the sockets of its own slot and of the others.
Expect: contained
"""

for number in range(4):
    folder = f"/run/code-runner/slot-{number}"
    path = f"{folder}/runner.sock"
    attempt(f"list {folder}", os.listdir, folder)
    attempt(f"chmod {path}", os.chmod, path, 0)
    attempt(f"unlink {path}", os.unlink, path)
    attempt(f"rename {path}", os.rename, path, f"{folder}/other")
    attempt(f"open {path}", os.open, path, os.O_RDWR)
