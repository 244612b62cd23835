"""What breaks is answered, replaced within two seconds, and harms nothing else."""

import contextlib
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from client import Client
from code_runner.protocol import Frame, Kind
from code_runner.sandbox.limits import NICENESS
from processes import Service, children, eventually, kill, start_service

SLEEP = "import time; print('begun', flush=True); time.sleep(8)"


def _during_a_run(service: Service, damage: str) -> dict[str, object]:
    """Start a long run, do the damage, return the outcome; the slot must be back in 2 s."""
    client = service.client
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(client.run, SLEEP, 10)
        eventually(lambda: client.get("/ready").body["slots"]["busy"] == 1, 2)
        time.sleep(0.3)
        began = time.monotonic()
        pids = service.warm_interpreters() if damage == "warm" else service.runners()
        kill(pids[0])
        outcome = run.result()
        assert client.run("print('back')")["stdout"] == "back\n"
        assert time.monotonic() - began < 2
    return outcome


@pytest.mark.parametrize("victim", ["warm", "runner"])
def test_killed_in_the_middle_of_a_run(fresh_service: Service, victim: str) -> None:
    outcome = _during_a_run(fresh_service, victim)
    assert (outcome["reason"], outcome["exit_code"]) == ("runner_lost", -1)
    assert outcome["timed_out"] is False


def test_the_other_slots_do_not_notice(service: Service) -> None:
    client = service.client
    with ThreadPoolExecutor(4) as pool:
        runs = [
            pool.submit(client.run, "import time; time.sleep(1); print('ok')") for _ in range(4)
        ]
        eventually(lambda: client.get("/ready").body["slots"]["busy"] == 4, 2)
        time.sleep(0.2)
        kill(service.runners()[0])
        reasons = sorted(run.result()["reason"] for run in runs)
    assert reasons == ["exited", "exited", "exited", "runner_lost"]
    eventually(lambda: client.get("/ready").body["slots"]["alive"] == 4, 2)


def test_killed_while_idle_no_run_notices(fresh_service: Service) -> None:
    client = fresh_service.client
    (warm,) = fresh_service.warm_interpreters()
    (waiting,) = children(warm)
    kill(waiting)
    assert client.run("print('child')")["stdout"] == "child\n"
    kill(fresh_service.warm_interpreters()[0])
    time.sleep(0.05)
    assert client.run("print('warm')")["stdout"] == "warm\n"


def test_a_warm_interpreter_that_was_stopped_is_replaced(fresh_service: Service) -> None:
    client = fresh_service.client
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(client.run, "import time; time.sleep(1)", 5)
        eventually(lambda: client.get("/ready").body["slots"]["busy"] == 1, 2)
        os.kill(fresh_service.warm_interpreters()[0], signal.SIGSTOP)
        assert run.result()["reason"] == "runner_lost"
    began = time.monotonic()
    assert client.run("print('back')")["stdout"] == "back\n"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "code",
    [
        "import os, signal; os.kill(os.getppid(), signal.SIGSTOP)",
        "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
        "import os, signal; os.kill(1, signal.SIGKILL); print('tried')",
        "import os, signal\nfor n in signal.Signals: os.kill(1, n)",
        "import os, signal; os.kill(-1, signal.SIGKILL)",
    ],
)
def test_a_client_may_lose_its_own_run_only(fresh_service: Service, code: str) -> None:
    client = fresh_service.client
    runners = fresh_service.runners()
    client.run(code, timeout=2)
    assert client.run("print('next')")["stdout"] == "next\n"
    assert fresh_service.runners() == runners


def test_a_signal_that_a_program_sends_itself_is_no_limit(client: Client) -> None:
    outcome = client.run("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)")
    assert (outcome["reason"], outcome["exit_code"]) == ("signal", -signal.SIGXCPU)


def test_too_much_memory_at_once_is_the_programs_own_error(client: Client) -> None:
    outcome = client.run("x = bytearray(2**30)")
    assert "MemoryError" in outcome["stderr"]


def test_too_much_memory_in_many_processes_ends_the_run(client: Client) -> None:
    code = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = bytearray(b'x') * (100 * 2**20)
        time.sleep(20)
time.sleep(20)
"""
    outcome = client.run(code, timeout=10)
    assert (outcome["reason"], outcome["exit_code"]) == ("memory", -1)
    assert outcome["stderr"].endswith("Execution ended: over 256 MiB of memory")
    assert outcome["peak_memory_bytes"] > 256 * 2**20


@pytest.mark.parametrize(("helpers", "niceness"), [(2, NICENESS), (12, 19)])
def test_several_processes_share_the_agents_processor_and_many_go_after_it(
    client: Client, helpers: int, niceness: int
) -> None:
    look = "print(len(os.sched_getaffinity(0)), os.nice(0), flush=True)"
    spread = f"""
import os, time
is_helper = False
for _ in range({helpers}):
    is_helper = is_helper or os.fork() == 0
time.sleep(0.5 if is_helper else 0.8)
{look}
"""
    assert client.run(spread)["stdout"] == f"1 {niceness}\n" * (helpers + 1)
    alone = client.run(f"import os, time; time.sleep(0.1); {look}")
    assert alone["stdout"] == f"{len(os.sched_getaffinity(0))} {NICENESS}\n"


def test_too_many_processes_end_the_run(client: Client) -> None:
    code = """
import os, time
for _ in range(200):
    if os.fork() == 0: time.sleep(20)
time.sleep(20)
"""
    outcome = client.run(code, timeout=10)
    assert (outcome["reason"], outcome["exit_code"]) == ("processes", -1)


def test_the_warm_interpreter_is_replaced_after_its_number_of_runs(tmp_path: Path) -> None:
    settings = {"CODE_RUNNER_RUNNER_UIDS": str(os.getuid()), "CODE_RUNNER_WARM_RUNS": "3"}
    with start_service(tmp_path, **settings) as service:
        hashes = [service.client.run("print(hash('x'))")["stdout"] for _ in range(7)]
    assert len(set(hashes)) == 3
    assert hashes[0] == hashes[1] == hashes[2] != hashes[3]


def test_children_killed_at_random_under_load_cost_no_answer(tmp_path: Path) -> None:
    two_slots = f"{os.getuid()},{os.getuid()}"
    with start_service(tmp_path, CODE_RUNNER_RUNNER_UIDS=two_slots) as service:
        stop = threading.Event()

        def kill_some() -> None:
            random = Random(1)
            while not stop.wait(random.random() * 0.4):
                victims = service.warm_interpreters()
                victims += [child for warm in victims for child in children(warm)]
                if victims:
                    with contextlib.suppress(ProcessLookupError):
                        kill(random.choice(victims))

        killer = threading.Thread(target=kill_some)
        killer.start()
        try:
            with ThreadPoolExecutor(6) as pool:
                numbers = range(100)
                began = time.monotonic()
                answers = list(
                    pool.map(lambda n: service.client.submit(code=f"print({n})"), numbers)
                )
                assert time.monotonic() - began < 60
        finally:
            stop.set()
            killer.join()
        for number, answer in zip(numbers, answers, strict=True):
            assert answer.status == 200
            outcome = answer.body
            assert outcome["stdout"] in ("", f"{number}\n")
            assert outcome["stdout"] or outcome["reason"] in ("runner_lost", "signal")
        eventually(lambda: service.client.get("/ready").body["slots"]["alive"] == 2, 2)
        assert service.client.run("print('fine')")["stdout"] == "fine\n"


def test_a_required_wall_that_cannot_stand_is_named(tmp_path: Path) -> None:
    settings = {
        "CODE_RUNNER_RUNNER_UIDS": str(os.getuid()),
        "CODE_RUNNER_REQUIRED_WALLS": "own_uid",
    }
    service = start_service(tmp_path, **settings)

    def says_why() -> bool:
        try:
            answer = service.client.get("/ready")
        except OSError:
            return False
        wanted = "slot 0: MissingWall: required, but not standing: own_uid"
        return answer.status == 503 and answer.body["reasons"] == [wanted]

    try:
        eventually(says_why, 10)
    finally:
        service.stop()


def test_a_runner_with_the_wrong_uid_is_refused_by_name(tmp_path: Path) -> None:
    service = start_service(tmp_path, CODE_RUNNER_RUNNER_UIDS="64999")

    def says_why() -> bool:
        try:
            reasons = service.client.get("/ready").body["reasons"]
        except OSError:
            return False
        return bool(reasons) and f"uid {os.getuid()} was refused" in reasons[0]

    try:
        eventually(says_why, 10)
        time.sleep(1)
    finally:
        service.stop()
    assert service.log.read_text().count("connected to the gateway") < 40


def test_a_second_caller_with_the_runners_uid_is_not_listened_to(fresh_service: Service) -> None:
    environ = Path(f"/proc/{fresh_service.gateway()}/environ").read_text()
    settings = dict(entry.split("=", 1) for entry in environ.split("\0") if entry)
    forged = Frame.telling(Kind.OUT_OF_SERVICE, reason="forged").encode()
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(5)
        caller.connect(settings["CODE_RUNNER_SOCKET_DIR"] + "/slot-0/runner.sock")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            caller.sendall(forged)
            assert caller.recv(1) == b""
    assert fresh_service.client.get("/ready").body["reasons"] == []
    assert fresh_service.client.run("print('still there')")["stdout"] == "still there\n"
