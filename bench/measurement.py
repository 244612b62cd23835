"""The rounds: every service in turn gets every load, so that a slow minute is slow for all."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import processes
from bench.figures import Figures, crowd, medians, of_sample, ratios
from bench.floors import FLOORS
from bench.load import Sample, drive
from bench.services import Service, Trouble
from bench.workloads import Workload

RIVALS = ("reference", "plain")
# A service that was started or has worked until now gets so long to come to rest.
REST_SECONDS = 2.0


@dataclass(frozen=True)
class Plan:
    """What to measure, and how long."""

    workloads: Sequence[Workload]
    clients: Sequence[int]
    rounds: int
    seconds: float

    def loads(self) -> list[tuple[Workload, int]]:
        """Every workload with every number of clients that makes sense for it."""
        return [(w, n) for w in self.workloads for n in self.clients if n <= w.most_clients]


@dataclass
class Measurement:
    """What was found so far."""

    plan: Plan
    services: Sequence[Service]
    rounds: dict[tuple[str, int, str], list[Figures]] = field(default_factory=dict)
    """By workload, number of clients and service."""
    floors: dict[str, list[Figures]] = field(default_factory=dict)
    memory: dict[str, dict[str, processes.Memory]] = field(default_factory=dict)
    pythons: dict[str, str] = field(default_factory=dict)
    left_out: list[dict[str, str]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """Why the figures are not to be believed."""

    def run(self, python: Path) -> None:
        """Measure all services, and what the machine takes for a process of `python`."""
        self._check()
        self._weigh("rest")
        for number in range(self.plan.rounds):
            for name in FLOORS:
                self.floors.setdefault(name, []).append(_floor(python, name, self.plan.seconds))
            for workload, clients in self.plan.loads():
                for service in _rotated(self._willing(workload), number):
                    self._load(number, workload, clients, service)
        self._weigh("after")

    def _check(self) -> None:
        """Try each workload once; raises `Trouble` unless all that fails is a missing library."""
        for service in self.services:
            if service.name != "empty":
                self.pythons[service.name] = service.python()
            for workload in filter(service.offers, self.plan.workloads):
                objection = service.objection(workload)
                if objection and not workload.library:
                    raise Trouble(f"{service.name} does not do {workload.name}: {objection}")
                if objection:
                    out = {"service": service.name, "workload": workload.name, "reason": objection}
                    self.left_out.append(out)
                    _say(f"{service.name} is left out of {workload.name}: {objection}")

    def _willing(self, workload: Workload) -> list[Service]:
        """The services that are measured with a workload."""
        out = [o["service"] for o in self.left_out if o["workload"] == workload.name]
        return [s for s in self.services if s.offers(workload) and s.name not in out]

    def _load(self, number: int, workload: Workload, clients: int, service: Service) -> None:
        where = f"{workload.name}, {crowd(clients)}, {service.name}"
        meter = processes.Meter(service.pids())
        sample = drive(service.request(workload), clients, self.plan.seconds)
        figures = of_sample(sample, meter.service(), meter.machine())
        self.rounds.setdefault((workload.name, clients, service.name), []).append(figures)
        self._complain(where, service, sample)
        if sample.unanswered:
            service.refresh()
        _say(f"round {number + 1} of {self.plan.rounds}: {where}: {_in_short(figures)}")

    def _complain(self, where: str, service: Service, sample: Sample) -> None:
        for what, times in sample.wrong.most_common(3):
            self.complaints.append(f"{where}: {times} times {what}")
        if sample.refused and service.name in RIVALS:
            self.complaints.append(f"{where}: {sample.refused} refused")
        if sample.unanswered and service.name not in RIVALS:
            self.complaints.append(f"{where}: {sample.unanswered} not answered in time")

    def _weigh(self, when: str) -> None:
        time.sleep(REST_SECONDS)
        for service in self.services:
            if pids := service.pids():
                self.memory.setdefault(service.name, {})[when] = processes.memory(pids)

    def document(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "rounds": self.plan.rounds,
            "seconds": self.plan.seconds,
            "services": {
                service.name: {
                    "title": service.title,
                    "python": self.pythons.get(service.name),
                    "memory_mib": {
                        when: memory._asdict()
                        for when, memory in self.memory.get(service.name, {}).items()
                    },
                }
                for service in self.services
            },
            "cells": [self._cell(*key) for key in self.rounds],
            "floors": {
                name: {"medians": medians(rounds), "rounds": rounds}
                for name, rounds in self.floors.items()
            },
            "left_out": self.left_out,
            "complaints": self.complaints,
        }

    def _cell(self, workload: str, clients: int, service: str) -> dict[str, Any]:
        rounds = self.rounds[workload, clients, service]
        others = {name: self.rounds.get((workload, clients, name)) for name in RIVALS}
        return {
            "workload": workload,
            "clients": clients,
            "service": service,
            "medians": medians(rounds),
            "ratios": {
                name: ratios(rounds, other)
                for name, other in others.items()
                if other and name != service
            },
            "rounds": rounds,
        }


def _rotated(services: list[Service], number: int) -> list[Service]:
    """Each round begins with another one: nobody always comes after the same."""
    start = number % len(services) if services else 0
    return services[start:] + services[:start]


def _floor(python: Path, name: str, seconds: float) -> Figures:
    program = Path(__file__).with_name("floors.py")
    done = subprocess.run(
        [python, program, name, str(seconds)], check=True, stdout=subprocess.PIPE, text=True
    )
    found = json.loads(done.stdout)
    sample = Sample(latencies=found["latencies"], seconds=sum(found["latencies"]))
    return of_sample(sample, found["cpu_seconds"])


def _in_short(figures: Figures) -> str:
    p50 = figures["p50_ms"]
    middle = "no answer" if p50 is None else f"p50 {p50:.2f} ms"
    return f"{middle}, {figures['per_second']:.0f}/s"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
