"""The four endpoints, as the reference describes them, and the outcome of honest programs."""

import pytest

from client import Client


def test_root_tells_what_the_service_is(client: Client) -> None:
    answer = client.get("/")
    assert answer.status == 200
    assert answer.body == {
        "service": "Code Runner Service",
        "version": "1.0.0",
        "description": "Execute Python code with timeout controls",
        "endpoints": {"health": "/health", "ready": "/ready", "run": "/run (POST)"},
        "limits": {"max_timeout": 10, "max_output_size": 10000},
    }


def test_health(client: Client) -> None:
    answer = client.get("/health")
    assert answer.status == 200
    assert answer.body == {
        "status": "healthy",
        "service": "code-runner-service",
        "version": "1.0.0",
    }


def test_ready_names_slots_and_walls(client: Client) -> None:
    answer = client.get("/ready")
    assert answer.status == 200
    assert answer.body["status"] == "ready"
    assert answer.body["python_available"] is True
    assert answer.body["max_timeout"] == 10
    assert answer.body["slots"]["total"] == answer.body["slots"]["alive"]
    walls = answer.body["walls"]
    assert {"pid_namespace", "rlimits", "non_dumpable"} <= set(walls["standing"])
    assert not set(walls["standing"]) & set(walls["missing"])


def test_outcome_has_the_fields_of_the_contract_in_order(client: Client) -> None:
    outcome = client.run("print('hello')")
    assert list(outcome) == [
        "stdout",
        "stderr",
        "exit_code",
        "timed_out",
        "reason",
        "duration_ms",
        "cpu_ms",
        "peak_memory_bytes",
        "stdout_truncated",
        "stderr_truncated",
        "run_id",
    ]
    assert outcome["stdout"] == "hello\n"
    assert outcome["stderr"] == ""
    assert outcome["exit_code"] == 0
    assert outcome["timed_out"] is False
    assert outcome["reason"] == "exited"
    assert 0 < outcome["cpu_ms"] <= outcome["duration_ms"] + 10
    assert outcome["peak_memory_bytes"] > 2**20


@pytest.mark.parametrize(
    ("code", "stdout"),
    [
        ("result = 2 + 2\nprint(f'Result: {result}')", "Result: 4\n"),
        ("for i in range(5):\n    print(i)", "0\n1\n2\n3\n4\n"),
        ("print(__name__, __file__)", "__main__ /tmp/run/main.py\n"),
        ("import sys; print(sys.argv, sys.path[0])", "['/tmp/run/main.py'] /tmp/run\n"),
        ("import os; print(os.getcwd())", "/tmp/run\n"),
        ("print('Grüße, 世界 \U0001f30d')", "Grüße, 世界 \U0001f30d\n"),
        ("# -*- coding: utf-8 -*-\r\nprint('windows')\r\n", "windows\n"),
        ("\ufeffprint('byte order mark')", "byte order mark\n"),
        ("import atexit; atexit.register(print, 'bye')", "bye\n"),
        ("class A:\n    def __del__(self): print('gone')\na = A()", "gone\n"),
        ("import threading\nthreading.Timer(0.1, print, ['late']).start()", "late\n"),
        ("import sys; sys.stdout.write('no newline')", "no newline"),
        ("import io, sys\nprint('first')\nsys.stdout = io.StringIO()\nprint('second')", "first\n"),
        (
            "import os\nclass A:\n    def __del__(self): print(os.sep)\na = A()",
            "/\n",
        ),
        ("import sys\nprint('last')\nsys.stdout.close()", "last\n"),
        ("import signal; print(signal.getsignal(signal.SIGTERM))", "0\n"),
    ],
)
def test_honest_programs(client: Client, code: str, stdout: str) -> None:
    outcome = client.run(code)
    assert (outcome["stdout"], outcome["stderr"], outcome["exit_code"]) == (
        stdout,
        "",
        0,
    )


@pytest.mark.parametrize(
    ("code", "exit_code", "stderr"),
    [
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit(256 + 7)", 7, ""),
        ("import sys; sys.exit('what went wrong')", 1, "what went wrong\n"),
        ("raise SystemExit(None)", 0, ""),
        ("import os; os._exit(9)", 9, ""),
        ("import sys; sys.exit(2**70)", 255, ""),
        ("import sys; del sys.stdout", 0, ""),
        ("import sys; sys.excepthook = lambda *_: sys.exit(7)\n1/0", 7, ""),
        ("import os; os._exit = None", 0, ""),
        (
            "import sys\nclass Tee:\n    def write(self, s): sys.__stdout__.write(s)\n"
            "    def flush(self): pass\nsys.stdout = Tee()\nprint('x')",
            0,
            "",
        ),
        ("import sys; print('oh', file=sys.stderr)", 0, "oh\n"),
    ],
)
def test_exit_codes(client: Client, code: str, exit_code: int, stderr: str) -> None:
    outcome = client.run(code)
    assert (outcome["exit_code"], outcome["stderr"]) == (exit_code, stderr)
    assert outcome["reason"] == "exited"


def test_a_runtime_error_shows_the_clients_lines_only(client: Client) -> None:
    outcome = client.run("def divide(x):\n    return x / 0\n\ndivide(1)")
    assert outcome["exit_code"] == 1
    assert outcome["stderr"].splitlines() == [
        "Traceback (most recent call last):",
        '  File "/tmp/run/main.py", line 4, in <module>',
        "    divide(1)",
        '  File "/tmp/run/main.py", line 2, in divide',
        "    return x / 0",
        "           ~~^~~",
        "ZeroDivisionError: division by zero",
    ]


def test_a_syntax_error_shows_where(client: Client) -> None:
    outcome = client.run("print('fine')\nif True print(1)")
    assert outcome["exit_code"] == 1
    assert outcome["stdout"] == ""
    assert outcome["stderr"].startswith('  File "/tmp/run/main.py", line 2\n    if True print(1)\n')
    assert outcome["stderr"].endswith("SyntaxError: invalid syntax\n")


def test_what_was_printed_before_an_error_is_kept_in_order(client: Client) -> None:
    outcome = client.run("print('before')\n1/0")
    assert outcome["stdout"] == "before\n"
    assert "ZeroDivisionError" in outcome["stderr"]


@pytest.mark.parametrize("number", [6, 9, 11, 15])
def test_death_by_a_signal(client: Client, number: int) -> None:
    outcome = client.run(f"import os; os.kill(os.getpid(), {number})")
    assert (outcome["reason"], outcome["exit_code"]) == ("signal", -number)


def test_keyboard_interrupt_ends_as_it_does_in_python(client: Client) -> None:
    outcome = client.run("raise KeyboardInterrupt")
    assert (outcome["reason"], outcome["exit_code"]) == ("signal", -2)
    assert outcome["stderr"].endswith("KeyboardInterrupt\n")


def test_input_is_at_its_end(client: Client) -> None:
    assert "EOFError" in client.run("input()")["stderr"]


def test_timeout(client: Client) -> None:
    outcome = client.run("import time\nprint('so far', flush=True)\ntime.sleep(10)", timeout=1)
    assert outcome["stdout"] == "so far\n"
    assert outcome["stderr"] == "Execution timed out after 1 seconds"
    assert (outcome["exit_code"], outcome["timed_out"]) == (-1, True)
    assert outcome["reason"] == "timeout"
    assert 1000 <= outcome["duration_ms"] < 1500


def test_timeout_text_is_the_last_line_after_what_was_printed(client: Client) -> None:
    code = "import sys, time\nprint('warned', end='', file=sys.stderr, flush=True)\ntime.sleep(9)"
    assert client.run(code, timeout=1)["stderr"] == "warned\nExecution timed out after 1 seconds"


def test_a_program_that_ignores_every_signal_is_ended(client: Client) -> None:
    code = (
        "import signal, time\n"
        "for n in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:\n"
        "    signal.signal(n, signal.SIG_IGN)\n"
        "while True: time.sleep(1)"
    )
    assert client.run(code, timeout=1)["reason"] == "timeout"


def test_other_paths_and_methods_are_refused_as_json(client: Client) -> None:
    assert (client.get("/nowhere").status, client.get("/nowhere").body) == (
        404,
        {"detail": "Not Found"},
    )
    answer = client.get("/run")
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"
    assert "POST" in answer.body["detail"]
