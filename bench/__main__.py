"""`make bench`, or `python -m bench`: see docs/benchmark.md."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import compare, ladder, machine, plot, scale, soak, table
from bench.goals import judge
from bench.measurement import Measurement, Plan
from bench.services import Ours, Rival, Service, Trouble, instances, requirements
from bench.workloads import WORKLOADS

FORMAT = 1  # of the JSON
CLIENTS = (1, 8, 64, 200)
QUICK_CLIENTS = (1, 8)
Show = Callable[[Sequence[str], Sequence[Sequence[str]]], str]
"""A table from a header and its rows, for one medium or another."""


def main() -> int:
    """Do what the arguments say; returns the exit status: 1 where the figures cannot be trusted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = parse()
    show = table.markdown if options.markdown else table.text
    try:
        if options.compare:
            print(compare.report(*map(read, options.compare), table=show))
            return 0
        if options.show:
            print(table.report(read(options.show), show))
            return 0
        with tempfile.TemporaryDirectory(prefix="code-runner-bench-") as folder:
            if options.scale:
                return measure_scale(Path(folder), options, show)
            if options.ladder:
                return climb(Path(folder), options, show)
            if options.soak:
                return endure(Path(folder), options, show)
            return measure(Path(folder), options, show)
    except (Trouble, OSError) as trouble:
        print(f"bench: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    names = [workload.name for workload in WORKLOADS]
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--soak", action="store_true", help="200 clients for a minute, ours only")
    mode.add_argument("--scale", action="store_true", help="memory and speed, by number of slots")
    mode.add_argument("--ladder", action="store_true", help="where the time of a run goes")
    mode.add_argument("--compare", nargs=2, type=Path, metavar=("OLD", "NEW"), help="two results")
    mode.add_argument("--show", type=Path, metavar="FILE", help="the table of these results")
    mode.add_argument("--quick", action="store_true", help="2 short rounds, at most 8 clients")
    parser.add_argument("--only", type=_list(str, names), default=names, help="some workloads")
    parser.add_argument("--clients", type=_list(int), help="instead of 1,8,64,200")
    parser.add_argument("--rounds", type=int, help="3 by default")
    parser.add_argument("--seconds", type=float, help="for each load; 4 by default, 60 to soak")
    parser.add_argument("--slots", type=int, default=4, help="of the pod that is deployed")
    parser.add_argument(
        "--url", type=_local, help="measure this Code Runner instead of deploying one"
    )
    parser.add_argument("--key", default="", help="its API key")
    parser.add_argument(
        "--pids", type=_list(int), default=[], help="first processes of its containers, if here"
    )
    parser.add_argument("--markdown", action="store_true", help="print tables as Markdown")
    parser.add_argument("--output", type=Path, default=Path("dist"), help="folder for the results")
    parser.add_argument(
        "--rivals-python",
        type=Path,
        default=Path(".venv-bench/bin/python"),
        help="where bench/requirements.txt is installed",
    )
    return parser.parse_args()


def measure(folder: Path, options: argparse.Namespace, show: Show) -> int:
    """Measure ours beside the others, and write and print what was found."""
    plan = Plan(
        [workload for workload in WORKLOADS if workload.name in options.only],
        options.clients or (QUICK_CLIENTS if options.quick else CLIENTS),
        options.rounds or (2 if options.quick else 3),
        options.seconds or (1.0 if options.quick else 4.0),
    )
    python = options.rivals_python.absolute()
    if not python.exists():
        raise Trouble(f"there is no {options.rivals_python}: `make bench` makes it")
    results: dict[str, Any] = {"machine": machine.describe()}
    with ExitStack() as stack:
        services = lineup(folder, options, plan, python)
        for service in services:
            stack.enter_context(service)
        results["walls"] = services[0].ready()["walls"]
        measurement = Measurement(plan, services)
        measurement.run(python)
    results |= measurement.document()
    results["goals"] = judge(results)
    write(results, options.output, "bench")
    picture = options.output / f"bench-{results['machine']['commit']}.svg"
    picture.write_text(plot.draw(results))
    print(table.report(results, show))
    return 1 if measurement.complaints else 0


def lineup(folder: Path, options: argparse.Namespace, plan: Plan, python: Path) -> list[Service]:
    """Ours first, then what it is compared with; none of them started yet."""
    empty = Rival("empty", "aiohttp, a handler that runs nothing", python)
    empty.workloads = {"hello"}
    return [
        *ours(folder, options, [w.library for w in plan.workloads if w.library]),
        Rival("reference", "FastAPI, a blocking subprocess, as the reference describes", python),
        Rival("plain", "aiohttp, an asyncio subprocess, no walls", python),
        empty,
    ]


def ours(folder: Path, options: argparse.Namespace, libraries: Sequence[str]) -> list[Service]:
    """The one at the URL; or one to deploy, and one more for each library, imported before."""
    if options.url:
        title = f"Code Runner at {options.url}"
        return [Service("ours", title, options.url, options.key, tuple(options.pids))]
    make = instances(folder)
    settings = {
        "code_runner_slots": options.slots,
        "code_runner_packages": requirements(*libraries),
    }
    title = f"Code Runner on podman, {options.slots} slots"
    pods: list[Service] = [Ours("ours", title, make(""), **settings)]
    pods[0].workloads = {workload.name for workload in WORKLOADS if not workload.library}
    for library in libraries:
        title = f"the same with code_runner_preload: {library}"
        pod = Ours(
            f"with {library}", title, make(f"-{library}"), **settings, code_runner_preload=[library]
        )
        pod.workloads = {"hello", library}
        pods.append(pod)
    return pods


def endure(folder: Path, options: argparse.Namespace, show: Show) -> int:
    """Load ours for a minute, and print the verdict."""
    clients = options.clients[0] if options.clients else soak.CLIENTS
    where = machine.describe()
    with ours(folder, options, [])[0] as service:
        found = soak.soak(service, clients, options.seconds or soak.SECONDS)
    write({"machine": where, **found}, options.output, "soak")
    print(show(soak.HEADER, soak.rows(found)))
    return 1 if False in found["verdicts"].values() else 0


def measure_scale(folder: Path, options: argparse.Namespace, show: Show) -> int:
    """Print what pods hold at rest and do under load."""
    where = machine.describe()
    with Ours("ours", "Code Runner on podman", instances(folder)("")) as pod:
        found = scale.measure(pod, seconds=options.seconds or scale.SECONDS)
    write({"machine": where, "pods": found}, options.output, "scale")
    print(show(scale.HEADER, scale.rows(found)))
    return 0


def climb(folder: Path, options: argparse.Namespace, show: Show) -> int:
    """Print what a run is made of, step by step."""
    where = machine.describe()
    rounds, seconds = options.rounds or ladder.ROUNDS, options.seconds or ladder.SECONDS
    with Ours("ours", "Code Runner on podman", instances(folder)("")) as pod:
        found = ladder.climb(pod, rounds, seconds)
    write({"machine": where, **ladder.document(found)}, options.output, "ladder")
    print(show(ladder.HEADER, ladder.rows(found)))
    return 0


def write(results: dict[str, Any], folder: Path, kind: str) -> None:
    """Write what was found as JSON, under the name of the commit, and say where."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{results['machine']['commit']}.json"
    path.write_text(json.dumps({"format": FORMAT, **results}, indent=1) + "\n")
    print(f"Written: {path}", file=sys.stderr)


def read(path: Path) -> dict[str, Any]:
    """Results of `measure`; raises `Trouble` where the file holds something else."""
    try:
        results = dict(json.loads(path.read_text()))
    except ValueError as error:
        raise Trouble(f"{path} is no JSON: {error}") from None
    if results.get("format") != FORMAT or "cells" not in results:
        raise Trouble(f"{path} holds no results of this bench")
    return results


def _local(url: str) -> str:
    """For argparse: a URL on this machine. A ratio to a service elsewhere would tell nothing."""
    if urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
        raise argparse.ArgumentTypeError("only a service on 127.0.0.1 is measured; forward a port")
    return url.rstrip("/")


def _list(kind: Callable[[str], Any], allowed: Sequence[str] = ()) -> Callable[[str], list[Any]]:
    """For argparse: values with commas between them."""

    def convert(text: str) -> list[Any]:
        values = [kind(part) for part in text.split(",")]
        for value in values:
            if allowed and value not in allowed:
                raise argparse.ArgumentTypeError(f"{value} is none of {', '.join(allowed)}")
        return values

    return convert


if __name__ == "__main__":
    sys.exit(main())
