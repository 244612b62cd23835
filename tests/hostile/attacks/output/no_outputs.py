"""Close everything.

Tries: to confuse the service by closing its own standard descriptors and all others.
Expect: contained
"""

contained("closing everything")
os.closerange(0, 65536)
