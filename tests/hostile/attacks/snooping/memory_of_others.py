"""Read the memory of others by system calls.

Tries: process_vm_readv and process_vm_writev on the runner and the warm interpreter.
Expect: contained
"""

buffer = ctypes.create_string_buffer(64)
local = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 64)
# The warm interpreter has the same memory layout as its child.
remote = (ctypes.c_size_t * 2)(id(os.environ), 64)
for pid in (AGENT, SERVICE):
    for call in ("process_vm_readv", "process_vm_writev"):
        attempt(f"{call} {pid}", syscall, call, pid, local, 1, remote, 1, 0)
