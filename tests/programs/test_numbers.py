"""Programs with numpy, pandas and matplotlib."""

from __future__ import annotations

import pytest

from client import Client


@pytest.fixture(scope="module", autouse=True)
def libraries(client: Client) -> None:
    """Skip where the service has no such libraries: an image of its own would need them."""
    for name in ("numpy", "pandas", "matplotlib"):
        code = f"import importlib.util; print(importlib.util.find_spec({name!r}) is not None)"
        if client.run(code)["stdout"] != "True\n":
            pytest.skip(f"the service at {client.url} has no {name}")


PROGRAMS = {
    "numpy": (
        """
import numpy
a = numpy.arange(1_000_000, dtype=float).reshape(1000, 1000)
print((a @ a.T).shape, numpy.linalg.det(numpy.eye(50)), numpy.fft.fft([1, 0])[0])
""",
        "(1000, 1000) 1.0 (1+0j)\n",
    ),
    "numpy in threads": (
        """
import numpy
from concurrent.futures import ThreadPoolExecutor
def norm(seed): return numpy.linalg.norm(numpy.full((300, 300), seed) @ numpy.eye(300))
with ThreadPoolExecutor(8) as pool: print([round(float(x)) for x in pool.map(norm, range(8))])
""",
        "[0, 300, 600, 900, 1200, 1500, 1800, 2100]\n",
    ),
    "numpy in a pool of processes": (
        """
import multiprocessing
import numpy
def total(n): return int(numpy.arange(n).sum())
if __name__ == '__main__':
    with multiprocessing.Pool(4) as pool: print(pool.map(total, [10, 100, 1000]))
""",
        "[45, 4950, 499500]\n",
    ),
    "numpy in spawned processes": (
        """
from concurrent.futures import ProcessPoolExecutor
import multiprocessing
def total(n):
    import numpy
    return int(numpy.arange(n).sum())
if __name__ == '__main__':
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(2, context) as pool: print(list(pool.map(total, [10, 100])))
""",
        "[45, 4950]\n",
    ),
    "numpy files": (
        """
import numpy, tempfile
with tempfile.NamedTemporaryFile(suffix='.npy') as file:
    numpy.save(file.name, numpy.eye(3))
    print(numpy.load(file.name, mmap_mode='r').sum())
""",
        "3.0\n",
    ),
    "pandas": (
        """
import io, pandas
table = pandas.read_csv(io.StringIO('name,value\\na,1\\nb,2\\na,3\\n'), parse_dates=False)
print(table.groupby('name')['value'].sum().to_dict())
print(pandas.date_range('2024-02-28', periods=2, tz='Europe/Berlin')[1])
table.to_json('/tmp/table.json')
print(len(pandas.read_json('/tmp/table.json')))
""",
        "{'a': 4, 'b': 2}\n2024-02-29 00:00:00+01:00\n3\n",
    ),
    "matplotlib to a file": (
        """
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plot
figure, axes = plot.subplots()
axes.plot([1, 2, 3], [1, 4, 9])
axes.set_title('squares')
figure.savefig('picture.png')
with open('picture.png', 'rb') as file: print(file.read(4))
""",
        "b'\\x89PNG'\n",
    ),
    "a MemoryError that can be caught": (
        """
import numpy
try: numpy.ones(10**9)
except MemoryError: print('too much')
""",
        "too much\n",
    ),
}


@pytest.mark.parametrize(("code", "stdout"), PROGRAMS.values(), ids=PROGRAMS.keys())
def test_program(client: Client, code: str, stdout: str) -> None:
    outcome = client.run(code, timeout=10)
    assert (outcome["stdout"], outcome["exit_code"]) == (stdout, 0), outcome


def test_the_global_generator_differs_between_runs(client: Client) -> None:
    code = "import numpy; print(numpy.random.random())"
    assert len({client.run(code, timeout=10)["stdout"] for _ in range(4)}) == 4
