"""What is run, and how its answer is recognised."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """A program to run."""

    name: str
    code: str
    expected: re.Pattern[bytes]
    """What stands in the body of a right answer."""
    timeout: int = 10
    library: str = ""
    """What has to be installed for it."""
    most_clients: int = 8
    """With more of them the slowest service would answer only when a load is over."""

    @property
    def body(self) -> bytes:
        """What to send."""
        return json.dumps({"code": self.code, "timeout": self.timeout}).encode()


def _pattern(text: str) -> re.Pattern[bytes]:
    return re.compile(text.encode())


HELLO = Workload("hello", 'print("hello")', _pattern(r'"stdout": ?"hello\\n"'), most_clients=200)

WORKLOADS = (
    HELLO,
    # About 100 ms of CPU time on a current server.
    Workload(
        "cpu",
        "total = 0\nfor number in range(1_800_000):\n    total += number\nprint(total)",
        _pattern(r'"stdout": ?"1619999100000\\n"'),
    ),
    Workload("output", 'print("x" * 1_000_000)', _pattern("x{9000}"), most_clients=200),
    Workload("error", "1 / 0", _pattern("ZeroDivisionError: division by zero"), most_clients=200),
    Workload("numpy", "import numpy", _pattern('"exit_code": ?0'), library="numpy"),
    Workload("pandas", "import pandas", _pattern('"exit_code": ?0'), library="pandas"),
    Workload(
        "timeout",
        "import time\ntime.sleep(5)",
        _pattern("Execution timed out after 1 seconds"),
        timeout=1,
    ),
)
