"""A load that does not wait for its answers: so many runs a second, until SIGINT.

    python3 load.py URL RATE CODE

CODE holds `{number}` and `{share}`, from 0 to 1, and has to print the number. Every other run is
sent on a connection of its own, the others on connections that are kept. Where a connection is
refused, nothing was run, and the run is sent again. Prints one line each second, and at the end a
line of JSON: how many runs had which outcome, how often a connection was refused, and the longest
that a run was refused or took, in seconds.

It runs as a pod on the service's own image (`tests/cluster/loading.py`), so that its requests take
the way of other pods': the cluster's DNS and kube-proxy.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import time
from collections import Counter

import aiohttp

# More than a run may wait and last; what takes longer has failed.
ANSWER_SECONDS = 60
# How long a refused connection is tried again; kube-proxy needs a second at most to learn.
REFUSED_SECONDS = 5


class Load:
    """What was sent, and what came of it."""

    def __init__(self, url: str, code: str) -> None:
        self._url = url
        self._code = code
        self._random = random.Random(1)
        self.outcomes: Counter[str] = Counter()
        self.refused = 0
        self.longest_refused = 0.0
        self.under_way = 0
        self.slowest = 0.0

    async def send(self, number: int, session: aiohttp.ClientSession) -> None:
        """Send one run and count its outcome: `answered`, or what went wrong."""
        code = self._code.replace("{number}", str(number))
        code = code.replace("{share}", f"{self._random.random():.3f}")
        began = time.monotonic()
        self.under_way += 1
        try:
            outcome = await self._ask(session, code, f"{number}\n")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            outcome = f"{type(error).__name__}: {error}"
        finally:
            self.under_way -= 1
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.outcomes[outcome] += 1
        if outcome != "answered":
            print(f"run {number}, after {time.monotonic() - began:.3f} s: {outcome}", flush=True)

    async def _ask(self, session: aiohttp.ClientSession, code: str, expected: str) -> str:
        began = time.monotonic()
        while True:
            try:
                body = {"code": code, "timeout": 10}
                async with session.post(f"{self._url}/run", json=body) as response:
                    answer = await response.json()
            except aiohttp.ClientConnectorError as error:
                refused = time.monotonic() - began
                if (
                    not isinstance(error.os_error, ConnectionRefusedError)
                    or refused > REFUSED_SECONDS
                ):
                    raise
                self.refused += 1
                self.longest_refused = max(self.longest_refused, refused)
                print("refused", flush=True)
                await asyncio.sleep(0.1)
                continue
            if response.status == 200 and answer["stdout"] == expected:
                return "answered"
            return f"{response.status}: {json.dumps(answer)[:300]}"

    async def arrive(self, session: aiohttp.ClientSession) -> None:
        """Wait until the service can be reached: whoever enforces policies must learn of a pod."""
        while True:
            try:
                async with session.get(f"{self._url}/health"):
                    return
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.1)

    def say(self) -> None:
        """Print the state of things."""
        print(f"{self.under_way} under way, {dict(self.outcomes)}", flush=True)


async def main(url: str, rate: float, code: str) -> None:
    """Send at `rate` until SIGINT, wait for the last answer and print the sums."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    load = Load(url, code)
    async with (
        aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as kept,
        aiohttp.ClientSession(
            timeout=timeout, connector=aiohttp.TCPConnector(limit=0, force_close=True)
        ) as anew,
        asyncio.TaskGroup() as tasks,
    ):
        await load.arrive(anew)
        began = time.monotonic()
        number = 0
        while not stop.is_set():
            tasks.create_task(load.send(number, kept if number % 2 else anew))
            number += 1
            if number % max(1, round(rate)) == 0:
                load.say()
            pause = began + number / rate - time.monotonic()
            try:
                await asyncio.wait_for(stop.wait(), max(pause, 0))
            except TimeoutError:
                pass
    sums = {
        "outcomes": load.outcomes,
        "refused": load.refused,
        "longest_refused": round(load.longest_refused, 1),
        "slowest": round(load.slowest, 1),
    }
    print(json.dumps(sums), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), sys.argv[3]))
