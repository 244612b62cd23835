"""Link to a file outside.

Tries: to get a second name for a file of the image or of /proc in its own folder, or move it there.
Expect: contained
"""

for target in ("/etc/hosts", "/usr/bin/python3", "/proc/self/environ", "/dev/null", "/etc/passwd"):
    attempt(f"link to {target}", os.link, target, "/tmp/link")
    attempt(f"move {target}", os.rename, target, "/tmp/moved")
