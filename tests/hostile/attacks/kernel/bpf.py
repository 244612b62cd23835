"""Load a program into the kernel.

Tries: bpf(2): make a map, load a program.
Expect: contained
"""

attributes = (ctypes.c_uint32 * 32)(2, 4, 4, 1)
attempt("a map", syscall, "bpf", 0, attributes, 128)
code = (ctypes.c_uint64 * 2)(0xB7, 0x95)  # r0 = 0; exit
program = (ctypes.c_uint64 * 16)(
    1 | 2 << 32, ctypes.addressof(code), ctypes.addressof(ctypes.create_string_buffer(b"GPL"))
)
attempt("a program", syscall, "bpf", 5, program, 128)
