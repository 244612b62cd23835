"""Poison compiled modules.

Tries: to change the cached byte code of the standard library and of the service.
Expect: contained
"""

import importlib.util
import json
import sys

for module in (json, sys.modules["code_runner.sandbox.walls"], os):
    cached = importlib.util.cache_from_source(module.__file__)
    attempt(f"replace {cached}", os.open, cached, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
