"""Files in memory, mapped nowhere.

Tries: to fill memfds, which show in no process.
Expect: memory
Timeout: 10
"""

block = b"x" * (1 << 20)
files = [os.memfd_create(f"file-{number}") for number in range(8)]
for _ in range(200):
    for file in files:
        os.write(file, block)
breach("1600 MiB of memfds")
