"""`python3 -m code_runner.runner`: the runner of one slot, as PID 1 of its container."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from code_runner import logs, settings
from code_runner.runner.agent import Agent
from code_runner.runner.slot import Slot
from code_runner.sandbox import kernel, limits
from code_runner.sandbox.limits import Limits

EX_CONFIG = 78


def main() -> int:
    """Serve one slot until the gateway dismisses this runner; returns the exit status."""
    if os.getpid() != 1:
        print(
            "code-runner: the runner must be PID 1 of a PID namespace of its own: after each run it"
            " ends every process that it can see. Start it in a container, or with `make serve`.",
            file=sys.stderr,
        )
        return EX_CONFIG
    try:
        config = settings.load()
        number = settings.load_slot(config)
    except settings.SettingsError as error:
        print(f"code-runner: {error}", file=sys.stderr)
        return EX_CONFIG
    logs.configure(config.log_level, f"runner-{number}")
    _become_steadfast()
    slot = Slot(
        Limits(memory=config.run_memory, processes=config.run_processes),
        config.max_output_size,
        config.warm_runs,
        config.required_walls,
        config.preload,
    )
    agent = Agent(slot, config.socket_path(number), config.max_body_bytes)
    asyncio.run(agent.serve())
    return 0


def _become_steadfast() -> None:
    """Let nothing but the gateway's dismissal and SIGKILL from outside end this process.

    The kernel drops signals to a PID 1 that has no handler for them; asyncio would install one for
    SIGINT. SIGTERM, which comes from outside at the start of a drain, has to be outlived, so that
    the run under way can finish.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    kernel.hide_from_debuggers()
    limits.shrink_thread_stacks()
    if sys.version_info < (3, 12):
        # The default of these versions starts a thread for each process.
        asyncio.set_child_watcher(asyncio.PidfdChildWatcher())


if __name__ == "__main__":
    sys.exit(main())
