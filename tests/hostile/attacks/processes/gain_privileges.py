"""Gain privileges by a program.

Tries: to run every set-user-id or set-group-id program there is, and one of its own making.
Expect: contained
"""

import shutil
import stat
import subprocess

programs = []
for top in ("/usr", "/bin", "/sbin", "/opt"):
    for path, _, names in os.walk(top):
        for name in names:
            try:
                status = os.lstat(f"{path}/{name}")
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode) and status.st_mode & 0o6000:
                programs.append(f"{path}/{name}")
shutil.copy("/bin/sh", "/tmp/shell")
os.chmod("/tmp/shell", 0o6755)
own = subprocess.run(["/tmp/shell", "-c", "id -u; id -g"], capture_output=True, text=True)
if programs:
    breach(f"the image has programs that change the user: {programs}")
if "0" in own.stdout.split():
    breach(f"own program became {own.stdout}")
else:
    contained(f"own program stayed {own.stdout.split()}")
with open("/proc/self/status") as file:
    flags = dict(line.split(":\t") for line in file.read().splitlines() if ":\t" in line)
if int(flags["CapEff"], 16) | int(flags["CapBnd"], 16) | int(flags["CapAmb"], 16):
    breach(f"capabilities: {flags['CapEff']} {flags['CapBnd']}")
if flags["NoNewPrivs"] != "1":
    breach("a program may gain privileges")
