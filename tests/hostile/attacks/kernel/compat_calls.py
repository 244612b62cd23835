"""System calls of 32 bits.

Tries: int 0x80, by which the calls have other numbers than the filter knows.
Expect: contained, signal
"""

import mmap

if os.uname().machine != "x86_64":
    contained("only x86_64 has them")
else:
    # Ask for the process id as a program of 32 bits would: number 20.
    code = b"\x53\xb8\x14\x00\x00\x00\xcd\x80\x5b\xc3"
    area = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    area.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    result = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    if result == os.getpid():
        breach("a 32-bit call was answered")
    else:
        contained(f"answered {result}")
