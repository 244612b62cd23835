"""Find inherited descriptors.

Tries: to find a socket or file of the service among its own descriptors.
Expect: contained
"""

found = []
for name in os.listdir("/proc/self/fd"):
    if int(name) > 2:
        try:
            found.append((name, os.readlink(f"/proc/self/fd/{name}")))
        except OSError:
            pass  # the list itself
if found:
    breach(found)
else:
    contained("there are 0, 1 and 2")
target = os.readlink("/proc/self/fd/0")
(contained if target == "/dev/null" else breach)(f"standard input is {target}")
