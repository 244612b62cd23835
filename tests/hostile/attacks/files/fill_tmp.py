"""Fill the folders.

Tries: to write until no other run of the pod or the node can.
Expect: contained, memory
Timeout: 5
"""

for folder in ("/tmp", "/dev/shm"):
    written = 0
    try:
        with open(f"{folder}/full", "wb", buffering=0) as file:
            while written < 2 << 30:
                written += file.write(b"x" * (1 << 20))
        breach(f"2 GiB in {folder}")
    except OSError as error:
        contained(f"{written >> 20} MiB in {folder}, then {error}")
