"""Call the service's own functions.

Tries: to sweep, to fork children, to raise walls anew and to read settings with the modules it has.
Expect: contained
"""

import sys

modules = {name: module for name, module in sys.modules.items() if name.startswith("code_runner")}
child, forks = modules["code_runner.runner.child"], modules["code_runner.runner.forks"]
attempt("a job", lambda: child._read(3, child.JOB_BYTES))
attempt(
    "orders", lambda: forks.serve(__import__("socket").socket(fileno=3), child.prepare, os.sync)
)
attempt("walls anew", lambda: child.take(child._steps))
attempt(
    "settings",
    lambda: os.environ.get("CODE_RUNNER_SOCKET_DIR") or os.open("/run/code-runner", os.O_RDONLY),
)
contained(f"{sorted(modules)} are only code")
