"""What the operator has preloaded costs a run nothing, and passes nothing from run to run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from client import Client
from processes import SERVICE, Service, eventually, start_service

MODULES = {
    # Says when it is imported, and keeps what a run must not get: a descriptor.
    "talkative": """
import os, time
print('imported')
imported_at = time.monotonic()
descriptor = os.open('/dev/zero', os.O_RDONLY)
setting = 'as imported'
def answer(): return 42
""",
    # Has as much data as a run may have memory.
    "large": "import mmap\nkept = mmap.mmap(-1, 256 * 2**20, flags=mmap.MAP_PRIVATE)",
    "short_threads": """
import threading
for _ in range(20):
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
""",
    "short_processes": "import os\nos.popen('exit 0')",
    "threads": "import threading, time\nthreading.Thread(target=time.sleep, args=[60]).start()",
    "processes": "import subprocess\nsleeper = subprocess.Popen(['sleep', '60'])",
    "files": "import multiprocessing\nlock = multiprocessing.Lock()",
    "fails": "raise ValueError('two\\nlines')",
    "leaves": "raise SystemExit(0)",
    "ends": "import os\nos._exit(3)",
}


@pytest.fixture(scope="module")
def python() -> Iterator[Path]:
    """An interpreter that has these modules in its site-packages."""
    # Not below /tmp, which the runners cover by a folder of their own.
    with tempfile.TemporaryDirectory(prefix="code-runner-", dir="/var/tmp") as folder:
        create = [sys.executable, "-m", "venv", "--without-pip", "--copies", folder]
        subprocess.run(create, check=True)
        (site,) = Path(folder).glob("lib/python*/site-packages")
        for name, source in MODULES.items():
            (site / f"{name}.py").write_text(source)
        yield Path(folder, "bin", "python")


def start(folder: Path, python: Path, *modules: str) -> Service:
    """Start a service with one slot that preloads these modules."""
    return start_service(
        folder,
        python,
        # The interpreter has no library of the service's.
        PYTHONPATH=f"{SERVICE}:{Path(aiohttp.__file__).parents[1]}",
        CODE_RUNNER_RUNNER_UIDS=str(os.getuid()),
        CODE_RUNNER_PRELOAD=",".join(modules),
    )


@pytest.fixture(scope="module")
def client(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("service")
    modules = ("talkative", "large", "short_threads", "short_processes")
    with start(folder, python, *modules) as service:
        yield service.client


def test_it_is_imported_once_for_all_runs(client: Client) -> None:
    code = "import sys; print('talkative' in sys.modules, sys.modules['talkative'].imported_at)"
    first, second = client.run(code)["stdout"], client.run(code)["stdout"]
    assert first.startswith("True ")
    assert first == second


def test_what_a_run_changes_in_it_is_gone_in_the_next(client: Client) -> None:
    change = """
import talkative
talkative.answer = lambda: 'changed'
talkative.setting = 'changed'
talkative.added = 'changed'
print(talkative.answer(), talkative.setting)
"""
    look = "import talkative as t; print(t.answer(), t.setting, hasattr(t, 'added'))"
    assert client.run(change)["stdout"] == "changed changed\n"
    assert client.run(look)["stdout"] == "42 as imported False\n"


def test_neither_its_output_nor_its_descriptors_reach_a_run(client: Client) -> None:
    code = """
import os, talkative
print([fd for fd in range(3, 1024) if os.path.exists(f'/proc/self/fd/{fd}')])
"""
    outcome = client.run(code)
    assert (outcome["stdout"], outcome["stderr"]) == ("[]\n", "")


def test_its_data_does_not_count_against_a_run(client: Client) -> None:
    outcome = client.run("x = bytearray(b'x') * (200 * 2**20); print(len(x))")
    assert (outcome["stdout"], outcome["reason"]) == (f"{200 * 2**20}\n", "exited")
    assert "MemoryError" in client.run("x = bytearray(330 * 2**20)")["stderr"]


def test_random_numbers_differ_from_run_to_run(client: Client) -> None:
    numbers = {client.run("import random; print(random.random())")["stdout"] for _ in range(5)}
    assert len(numbers) == 5


def test_the_folder_of_the_service_is_no_place_to_import_from(client: Client) -> None:
    code = "import sys; print([path for path in sys.path if 'service' in path or 'lib' == path])"
    assert client.run(code)["stdout"] == "[]\n"


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("threads", "threads leaves 1 thread behind"),
        ("processes", "processes leaves a process behind"),
        ("files", "files leaves a file in /tmp or /dev/shm behind"),
        ("fails", "fails cannot be imported: ValueError: two lines"),
        ("leaves", "leaves cannot be imported: SystemExit: 0"),
        ("nowhere", "nowhere cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
    ],
)
def test_a_module_that_cannot_be_preloaded_stops_the_start_by_name(
    tmp_path: Path, python: Path, module: str, reason: str
) -> None:
    service = start(tmp_path, python, "talkative", module)

    def says_why() -> bool:
        try:
            answer = service.client.get("/ready")
        except OSError:
            return False
        wanted = f"slot 0: PreloadFailed: {reason}"
        return answer.status == 503 and answer.body["reasons"] == [wanted]

    try:
        eventually(says_why, 20)
    finally:
        service.stop()
    assert f"slot out of service: PreloadFailed: {reason}" in service.log.read_text()


def test_an_interpreter_that_a_module_ends_is_missed_at_once(tmp_path: Path, python: Path) -> None:
    service = start(tmp_path, python, "talkative", "ends")
    try:
        eventually(lambda: "slot out of service" in service.log.read_text(), 10)
    finally:
        service.stop()
    # Its end shows on two sockets, either of which may be the first.
    assert re.search(
        "InterpreterLost: it (has ended|ended before its first word); the log may say why",
        service.log.read_text(),
    )
