"""Hide children behind a tracer.

Tries: to keep traced children from dying by holding them in ptrace stops.
Expect: contained
"""

PTRACE_TRACEME = 0
reader, writer = os.pipe()
if os.fork() == 0:
    try:
        syscall("ptrace", PTRACE_TRACEME, 0, 0, 0)
        os.write(writer, b"traced")
    except OSError:
        os.write(writer, b"refused")
    os._exit(0)
os.wait()
if os.read(reader, 16) == b"refused":
    contained("no process may be traced")
else:
    breach("a child is traced")
