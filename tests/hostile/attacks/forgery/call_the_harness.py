"""Call the service's own functions.

Tries: to sweep, to fork children, to raise walls anew and to read settings with the modules it has.
Expect: contained
"""

import sys

modules = {name: module for name, module in sys.modules.items() if name.startswith("code_runner")}
warm = sys.modules.get("__mp_main__") or modules.get("code_runner.runner.warm")
attempt(
    "a job",
    lambda: sys.modules["code_runner.runner.child"]._take_job(
        __import__("socket").socket(fileno=3)
    ),
)
attempt(
    "settings",
    lambda: os.environ.get("CODE_RUNNER_SOCKET_DIR") or os.open("/run/code-runner", os.O_RDONLY),
)
contained(f"{sorted(modules)} are only code")
