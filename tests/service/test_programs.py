"""Honest programs of all kinds do inside what they do outside."""

import pytest

from client import Client

PROGRAMS = {
    "multiprocessing pool": (
        """
import multiprocessing
def square(x): return x * x
if __name__ == '__main__':
    with multiprocessing.Pool(4) as pool: print(pool.map(square, range(5)))
""",
        "[0, 1, 4, 9, 16]\n",
    ),
    "multiprocessing spawn": (
        """
import multiprocessing
def answer(queue): queue.put(42)
if __name__ == '__main__':
    context = multiprocessing.get_context('spawn')
    queue = context.Queue()
    process = context.Process(target=answer, args=(queue,))
    process.start()
    print(queue.get())
    process.join()
    print(process.exitcode)
""",
        "42\n0\n",
    ),
    "process pool executor": (
        """
from concurrent.futures import ProcessPoolExecutor
def next_one(x): return x + 1
if __name__ == '__main__':
    with ProcessPoolExecutor(3) as executor: print(list(executor.map(next_one, range(4))))
""",
        "[1, 2, 3, 4]\n",
    ),
    "forty threads": (
        """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(40) as executor: print(sum(executor.map(lambda x: x, range(100))))
""",
        "4950\n",
    ),
    "asyncio subprocess": (
        """
import asyncio, sys
async def main():
    process = await asyncio.create_subprocess_exec(sys.executable, '-c', 'print(7)', stdout=-1)
    print((await process.communicate())[0])
asyncio.run(main())
""",
        "b'7\\n'\n",
    ),
    "a shell pipeline": (
        """
import subprocess
print(subprocess.run(['sh', '-c', 'echo hi | cat'], capture_output=True).stdout)
""",
        "b'hi\\n'\n",
    ),
    "terminate a child": (
        """
import subprocess
process = subprocess.Popen(['sleep', '9'])
process.terminate()
print(process.wait())
""",
        "-15\n",
    ),
    "sqlite": (
        """
import sqlite3
connection = sqlite3.connect('/tmp/data.db')
connection.execute('create table t(a)')
connection.execute('insert into t values (1)')
connection.commit()
print(connection.execute('select * from t').fetchall())
""",
        "[(1,)]\n",
    ),
    "files, moved between folders": (
        """
import os, shutil, tempfile
with tempfile.TemporaryDirectory() as folder:
    with open(folder + '/a', 'w') as file: file.write('x')
    os.mkdir(folder + '/s')
    os.rename(folder + '/a', folder + '/s/b')
    shutil.copy2(folder + '/s/b', '/dev/shm/c')
    print(os.listdir(folder), open('/dev/shm/c').read())
""",
        "['s'] x\n",
    ),
    "shared memory": (
        """
from multiprocessing import shared_memory
first = shared_memory.SharedMemory(create=True, size=100)
first.buf[0] = 7
second = shared_memory.SharedMemory(first.name)
print(second.buf[0])
second.close(); first.close(); first.unlink()
""",
        "7\n",
    ),
    "ctypes": ("import ctypes; print(ctypes.CDLL(None).getpid() > 0)", "True\n"),
    "certificates": (
        "import ssl; print(len(ssl.create_default_context().get_ca_certs()) > 10)",
        "True\n",
    ),
    "time zones": (
        """
import datetime, zoneinfo
print(datetime.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')))
""",
        "2020-01-01 00:00:00+01:00\n",
    ),
    "deep recursion": (
        """
import sys
sys.setrecursionlimit(30000)
def depth(n): return 0 if n == 0 else 1 + depth(n - 1)
print(depth(20000))
""",
        "20000\n",
    ),
    "too deep recursion": (
        """
def f(): f()
try: f()
except RecursionError as error: print(error)
""",
        "maximum recursion depth exceeded\n",
    ),
    "number of processors": (
        "import os; print(os.cpu_count() >= len(os.sched_getaffinity(0)) >= 1)",
        "True\n",
    ),
    "locale": ("import locale; print(locale.getpreferredencoding())", "UTF-8\n"),
    "its own source": (
        "import inspect\ndef f():\n    return 1\nprint(inspect.getsource(f))",
        "def f():\n    return 1\n\n",
    ),
    "import of itself": (
        "import sys\nif __name__ == '__main__':\n    import main\n    print(main.__name__)",
        "main\n",
    ),
    "pickle of its own classes": (
        "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))).__name__)",
        "A\n",
    ),
    "doctest": (
        'import doctest\ndef f():\n    """\n    >>> f()\n    1\n    """\n    return 1\n'
        "print(doctest.testmod())",
        "TestResults(failed=0, attempted=1)\n",
    ),
    "file locks": (
        "import fcntl; f = open('/tmp/l', 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(1)",
        "1\n",
    ),
    "a pair of sockets": (
        "import socket; a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1))",
        "b'x'\n",
    ),
}


@pytest.mark.parametrize(("code", "stdout"), PROGRAMS.values(), ids=PROGRAMS.keys())
def test_program(client: Client, code: str, stdout: str) -> None:
    outcome = client.run(code, timeout=10)
    assert (outcome["stdout"], outcome["stderr"], outcome["exit_code"]) == (stdout, "", 0)


def test_unittest_as_a_program(client: Client) -> None:
    outcome = client.run(
        "import unittest\nclass T(unittest.TestCase):\n"
        "    def test_it(self): self.assertEqual(1, 2)\nunittest.main()"
    )
    assert outcome["exit_code"] == 1
    assert "FAILED (failures=1)" in outcome["stderr"]


def test_warnings_show_the_line(client: Client) -> None:
    stderr = client.run("import warnings\nwarnings.warn('careful')")["stderr"]
    assert stderr == "/tmp/run/main.py:2: UserWarning: careful\n  warnings.warn('careful')\n"
