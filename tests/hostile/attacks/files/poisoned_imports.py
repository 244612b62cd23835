"""Plant modules.

Tries: to leave modules and start-up files where a later interpreter would look for them.
Expect: contained
"""

import site
import sys

names = ["sitecustomize.py", "usercustomize.py", "os.py", "socket.py", "code_runner.py"]
places = [*sys.path, site.getusersitepackages(), "/tmp", "/dev/shm", "/", "/tmp/run"]
for place in places:
    for name in names:
        try:
            os.makedirs(place, exist_ok=True)
            with open(f"{place}/{name}", "w") as file:
                file.write("print('BREACH: planted module was loaded')")
        except OSError:
            continue
        if not place.startswith(("/tmp", "/dev/shm")):
            breach(f"{place}/{name}")
contained("planted modules for the next run to find")
