"""Bytes that are no text.

Tries: to break the decoder with halves of characters, at the cut as well.
Expect: contained
"""

contained("what follows is no text")
os.write(1, b"\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80\xfe\xff" * 1000)
os.write(1, "\U0010ffff".encode() * 10000 + b"\xf0\x9f")
