"""Change the personality.

Tries: to switch off the randomising of addresses, and to read without permission.
Expect: contained
"""

for name, value in {
    "no randomisation": 0x40000,
    "read implies exec": 0x400000,
    "32 bits": 8,
}.items():
    attempt(name, syscall, "personality", value)
