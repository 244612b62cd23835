"""Write into the container's log.

Tries: to find the output of the runner itself, and to write there.
Expect: contained
"""


def write(path):
    descriptor = os.open(path, os.O_WRONLY)
    return os.write(descriptor, b'{"level": "error", "message": "BREACH-IN-LOG"}\n')


for pid in (AGENT, SERVICE):
    for descriptor in (1, 2):
        attempt(f"output {descriptor} of {pid}", write, f"/proc/{pid}/fd/{descriptor}")
attempt("/dev/console", write, "/dev/console")
attempt("/dev/kmsg", write, "/dev/kmsg")
