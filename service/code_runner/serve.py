"""`python3 -m code_runner.serve`: gateway and runners on this machine, without a container.

For development only. Each runner lives in user, PID, mount, network and IPC namespaces of its own,
over a read-only root; so the sweep after a run, which ends every process
that it can see, sees none of the developer's. Started by util-linux: `unshare` and `setpriv`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from code_runner import settings

WARNING = """\
code-runner: DEVELOPMENT ONLY. Code runs as your own user, and only Landlock and seccomp stand
between it and your files. For code that you do not trust, use `make deploy`.
"""
EX_CONFIG = 78
EX_UNAVAILABLE = 69
RESTART_SECONDS = 0.2
# The interpreter below a virtual environment, which may lie where the runner cannot see it: a
# runner needs no library.
PYTHON = os.path.realpath(sys.executable)

# What a runner's container would give: folders of its own in memory, and nothing else to write to.
# The service is mounted where it stays in sight when /tmp is covered.
ENTER = """\
set -e
mount -t tmpfs tmpfs /mnt
mkdir /mnt/service
mount --bind "$0" /mnt/service
mount -o remount,bind,ro /mnt/service
mount -o remount,bind,ro /mnt
mount -o remount,bind,ro /
mount -t tmpfs -o size=64m,nr_inodes=16384,mode=1777,nosuid,nodev tmpfs /tmp
mount -t tmpfs -o size=64m,nr_inodes=16384,mode=1777,nosuid,nodev tmpfs /dev/shm
cd /
PYTHONPATH=/mnt/service exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
"""
NAMESPACES = ("--user", "--map-root-user", "--mount", "--pid", "--net", "--ipc", "--mount-proc")


def main() -> int:
    """Serve until SIGINT or SIGTERM; returns the exit status."""
    print(WARNING, file=sys.stderr)
    for tool in ("unshare", "setpriv", "mount"):
        if not shutil.which(tool):
            print(f"code-runner: no {tool}: apt-get install util-linux mount", file=sys.stderr)
            return EX_UNAVAILABLE
    # Not below /tmp, which the runners cover by a folder of their own.
    with tempfile.TemporaryDirectory(prefix="code-runner-", dir="/var/tmp") as folder:
        env = {
            "CODE_RUNNER_HOST": "127.0.0.1",
            "CODE_RUNNER_RUNNER_UIDS": ",".join([str(os.getuid())] * 4),
            **os.environ,
            "CODE_RUNNER_SOCKET_DIR": folder,
        }
        try:
            config = settings.load(env)
        except settings.SettingsError as error:
            print(f"code-runner: {error}", file=sys.stderr)
            return EX_CONFIG
        return asyncio.run(_serve(env, config.slots))


async def _serve(env: dict[str, str], slots: int) -> int:
    gateway = await asyncio.create_subprocess_exec(
        *("setpriv", "--pdeathsig", "TERM"),
        *(sys.executable, "-m", "code_runner.gateway"),
        env=env,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, gateway.terminate)
    runners = [asyncio.create_task(_keep_running(env, slot)) for slot in range(slots)]
    status = await gateway.wait()
    for runner in runners:
        runner.cancel()
    await asyncio.gather(*runners, return_exceptions=True)
    return status


async def _keep_running(env: dict[str, str], slot: int) -> None:
    """Start a runner, and another whenever it has ended, as the kubelet would."""
    while True:
        runner = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL"),
            *("unshare", *NAMESPACES, "--fork", "--kill-child"),
            *("sh", "-c", ENTER, str(Path(__file__).parents[1])),
            *(PYTHON, "-m", "code_runner.runner"),
            env={**env, "CODE_RUNNER_SLOT": str(slot)},
            # A run is a session of its own, and where the kernel shares the processors out among
            # sessions, a bomb's would leave less to a runner that is in one with whatever else.
            start_new_session=True,
        )
        try:
            await runner.wait()
            await asyncio.sleep(RESTART_SECONDS)
        except asyncio.CancelledError:
            if runner.returncode is None:
                runner.kill()
                await runner.wait()
            raise


if __name__ == "__main__":
    sys.exit(main())
