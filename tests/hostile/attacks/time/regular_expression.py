"""A regular expression without end.

Tries: to stay inside the matcher.
Expect: timeout
Timeout: 0.5
"""

import re

re.match("(a+)+b", "a" * 64)
