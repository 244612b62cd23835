"""Leave by a program.

Tries: whatever the image has that can connect: a shell's /dev/tcp, curl, wget, nc, perl.
Expect: contained
"""

import shutil
import subprocess

COMMANDS = (
    ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000"],
    ["curl", "-sf", "-m", "0.5", "http://127.0.0.1:8000/health"],
    ["wget", "-q", "-T", "1", "-O", "-", "http://127.0.0.1:8000/health"],
    ["perl", "-MSocket", "-e", "socket(S, PF_INET, SOCK_STREAM, 0) or die"],
    ["nc", "-z", "127.0.0.1", "8000"],
)
for command in COMMANDS:
    if not shutil.which(command[0]):
        contained(f"no {command[0]}")
    elif subprocess.run(command, capture_output=True).returncode == 0:
        breach(f"{command} works")
    else:
        contained(f"{command} fails")
