"""Programs with numpy and pandas that the warm interpreter has imported beforehand."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from client import Client
from processes import start_service


@pytest.fixture(scope="module")
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """Speaks to a service of its own with one slot: one warm interpreter for all runs."""
    if url := os.environ.get("CODE_RUNNER_TEST_URL"):
        pytest.skip(f"the service at {url} preloads what its operator wants")
    settings = {"CODE_RUNNER_RUNNER_UIDS": str(os.getuid()), "CODE_RUNNER_PRELOAD": "numpy,pandas"}
    python = request.getfixturevalue("python")
    with start_service(tmp_path_factory.mktemp("service"), python, **settings) as service:
        yield service.client


def test_importing_it_costs_next_to_nothing(client: Client) -> None:
    code = "import time; t = time.perf_counter(); import pandas; print(time.perf_counter() - t)"
    assert min(float(client.run(code)["stdout"]) for _ in range(3)) < 0.001


def test_the_global_generator_differs_from_run_to_run(client: Client) -> None:
    numbers = {client.run("import numpy; print(numpy.random.random())")["stdout"] for _ in range(5)}
    assert len(numbers) == 5


def test_a_seed_gives_the_same_numbers_as_ever(client: Client) -> None:
    code = "import numpy; numpy.random.seed(1); print(numpy.random.randint(1000, size=3))"
    assert client.run(code)["stdout"] == "[ 37 235 908]\n"


def test_what_a_run_sets_is_gone_in_the_next(client: Client) -> None:
    change = """
import numpy, pandas
numpy.set_printoptions(precision=1)
numpy.random.seed(1)
numpy.pi = 3
pandas.options.display.max_rows = 1
pandas.DataFrame.sum = None
print(numpy.array([0.123456]), numpy.pi)
"""
    look = """
import numpy, pandas
print(numpy.array([0.123456]), numpy.pi == 3, pandas.options.display.max_rows)
print(pandas.DataFrame({'n': [1, 2]}).sum().to_dict())
"""
    assert client.run(change)["stdout"] == "[0.1] 3\n"
    assert client.run(look)["stdout"] == "[0.123456] False 60\n{'n': 3}\n"


def test_a_pool_of_processes_is_not_charged_for_what_they_share(client: Client) -> None:
    code = """
import multiprocessing, time
import pandas
def total(n):
    time.sleep(0.2)
    return int(pandas.Series(range(n)).sum())
if __name__ == '__main__':
    with multiprocessing.Pool(16) as pool: print(pool.map(total, [10] * 16, 1))
"""
    outcome = client.run(code, timeout=10)
    assert outcome["stdout"] == f"{[45] * 16}\n", outcome
    assert outcome["reason"] == "exited"
