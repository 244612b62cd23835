"""Who is free: the gateway's side of the conversation with the runners, and who gets them."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from code_runner.gateway.errors import Refused
from code_runner.gateway.queue import FairQueue, QueueFull
from code_runner.protocol import Frame, Frames, Job, Kind, Outcome, ProtocolError, output_bytes
from code_runner.settings import Settings

PEER_CREDENTIALS = struct.Struct("3i")
# A runner ends a run at its timeout and answers within a second or two; one that does not is lost.
ANSWER_GRACE_SECONDS = 5.0
# Between a run's end and the next readiness lie the emptying of folders and a fork.
SILENCE_SECONDS = 30.0
# So long a run is taken for one that is going to be over soon, if nobody takes its processor.
FRESH_SECONDS = 0.01
LOST = Outcome("runner_lost")
Answer = asyncio.Future[Outcome | Refused]

logger = logging.getLogger(__name__)


class Conversation(asyncio.Protocol):
    """One connection to the socket of a slot, from whomever it comes."""

    def __init__(self, slot: RunnerSlot, max_output_size: int) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._slot = slot
        self._frames = Frames(2 * output_bytes(max_output_size))
        self._transport: asyncio.Transport
        self._end = "its runner has gone"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, if it is the runner that calls."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._slot.accept(self, _peer_uid(transport)):
            self.close()

    def data_received(self, data: bytes) -> None:
        """Pass on the frames that are complete."""
        try:
            for frame in self._frames.cut(data):
                self._slot.hear(frame)
        except (ProtocolError, KeyError, TypeError, ValueError) as error:
            self.break_off(f"its runner sent what it should not: {error!r}")

    def connection_lost(self, _: Exception | None) -> None:
        """Tell the slot why."""
        self.over.set_result(None)
        self._slot.lose(self, self._end)

    def say(self, frame: Frame) -> None:
        """Send a frame."""
        self._transport.write(frame.encode())

    def close(self) -> None:
        """End it when all that was said has been sent."""
        self._transport.close()

    def break_off(self, reason: str) -> None:
        """End it now."""
        self._end = reason
        self._transport.abort()


class Alarm:
    """Calls `ring` after a time, which is put off far more often than it comes.

    So a timer that is there already stays, and looks when it is due whether it has been put off.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._due = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """Ring in so many seconds, and not before."""
        self._due = self._loop.time() + seconds
        if not self._timer or self._due < self._timer.when():
            self._wind()

    def set_if_off(self, seconds: float) -> None:
        """Ring in so many seconds, unless it is set already."""
        if self._due == math.inf:
            self.set(seconds)

    def stop(self) -> None:
        """Do not ring."""
        self._due = math.inf

    def _wind(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due == math.inf:
            return
        if self._loop.time() < self._due:
            self._wind()
        else:
            self._due = math.inf
            self._ring()


class RunnerSlot:
    """One slot as the gateway knows it: whether its runner is there, and what it is doing."""

    def __init__(self, number: int, uid: int, slots: Slots) -> None:
        self.number = number
        self.walls: list[str] = []
        self.counter = ""
        self.trouble: str | None = "its runner has not dialled in yet"
        self.busy = False
        self._uid = uid
        self._slots = slots
        self._runner: Conversation | None = None
        self._answer: Answer | None = None
        self._run_id = ""  # of the run under way
        self._is_prepared = False  # a child waits
        self._refusals = 0
        self._patience = 0.0
        self._alarm = Alarm(self._lose_patience)

    @property
    def alive(self) -> bool:
        """Whether the slot is there and in order, be it busy or not."""
        return self.trouble is None

    async def listen(self, settings: Settings) -> asyncio.Server:
        """Listen for the slot's runner."""
        path = settings.socket_path(self.number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        server = await asyncio.get_running_loop().create_unix_server(
            lambda: Conversation(self, settings.max_output_size), path
        )
        # What keeps others out is the folder: only the gateway and this slot's container have it.
        path.chmod(0o777)
        return server

    def accept(self, caller: Conversation, uid: int) -> bool:
        """Whether a process of this uid may be our runner; then it is, until we `lose` it."""
        if uid == self._uid and not self._runner:
            self._runner = caller
            self._refusals = 0
            return True
        # A second one is not the runner: it may be a client's code that has found the socket.
        self._refusals += 1
        if self._refusals == 1:
            logger.warning("slot %d: connection of uid %d refused", self.number, uid)
        if not self._runner:
            self.trouble = f"a connection of uid {uid} was refused, its runner has {self._uid}"
        return False

    def lose(self, caller: Conversation, reason: str) -> None:
        """Do without our runner until one calls again."""
        if caller is not self._runner:
            return
        logger.warning("slot %d: %s", self.number, reason)
        self._runner = None
        self.trouble = reason
        self._finish(LOST)

    def hear(self, frame: Frame) -> None:
        """Take in what the runner says."""
        if frame.kind == Kind.READY:
            if facts := frame.facts:  # else it is as it was
                self.walls = list(facts["walls"])
                self.counter = str(facts["memory_counter"])
            self.trouble = None
            self._is_prepared = True
            # A child that is lost while it waits is replaced, also with a run on its way to it.
            if not self._run_id:
                self._alarm.stop()
                self.busy = False
                self._slots.offer(self)
        elif frame.kind == Kind.OUT_OF_SERVICE:
            self.trouble = str(frame.facts["reason"])
            self._is_prepared = False
            self._slots.withdraw(self)
            if not self._run_id:
                self._alarm.stop()
        elif frame.kind == Kind.RESULT and self._run_id:
            outcome, run_id, ready_soon = Outcome.from_frame(frame)
            if run_id == self._run_id:
                self._take_in(outcome, ready_soon)

    def _take_in(self, outcome: Outcome, ready_soon: bool) -> None:
        self._finish(outcome)
        self.trouble = None  # what answers is in order
        # It gets ready again, or says why not.
        self._wait_at_most(SILENCE_SECONDS)
        if ready_soon:
            self._slots.offer(self)
        else:
            self._slots.serve()

    def _finish(self, outcome: Outcome) -> None:
        self._alarm.stop()
        self._slots.withdraw(self)
        self._is_prepared = False
        self._run_id = ""
        if self._answer and not self._answer.done():
            self._answer.set_result(outcome)

    def _wait_at_most(self, seconds: float) -> None:
        """Break off the conversation if the runner does not say what it now has to."""
        self._patience = seconds
        self._alarm.set(seconds)

    def _lose_patience(self) -> None:
        if self._runner:
            self._runner.break_off(f"its runner was silent for {self._patience:g} seconds")

    def begin(self, job: Job, answer: Answer) -> None:
        """Have the runner execute a job; `runner_lost` is the answer if it goes or is silent."""
        assert self._runner  # who has none is given to nobody
        self.busy = True
        self._answer = answer
        self._run_id = job.run_id
        self._runner.say(job.frame(others_wait=self._slots.somebody_waits))
        # Sent ahead, it may have to wait for a slot that starts afresh after all.
        grace = ANSWER_GRACE_SECONDS if self._is_prepared else SILENCE_SECONDS
        self._wait_at_most(job.timeout + grace)

    def give_up(self, job: Job) -> None:
        """Have a run ended for which nobody waits any more; until it has, it keeps the slot."""
        if self._runner and self._run_id == job.run_id:
            self._runner.say(Frame.telling(Kind.CANCEL, run_id=job.run_id))
            self._wait_at_most(SILENCE_SECONDS)

    async def dismiss(self) -> None:
        """Tell the runner to end, and wait for the end of the conversation."""
        if runner := self._runner:
            runner.say(Frame(Kind.SHUTDOWN))
            runner.close()
            await asyncio.wait({runner.over}, timeout=ANSWER_GRACE_SECONDS)


class _Turn:
    """A run that waits for a slot, or has one."""

    def __init__(self, job: Job, client: str) -> None:
        self.job = job
        self.client = client
        self.slot: RunnerSlot | None = None
        self.came = time.monotonic()
        self.answer: Answer = asyncio.get_running_loop().create_future()


class Slots:
    """All slots of this pod, and the runs that wait for one: see `FairQueue` for their order."""

    def __init__(self, settings: Settings, waited: Callable[[float], None]) -> None:
        """`waited` is told how many seconds each run had waited that has got its slot."""
        self._settings = settings
        self._waited = waited
        self._all = [
            RunnerSlot(number, uid, self) for number, uid in enumerate(settings.runner_uids)
        ]
        # The one that was used last comes first: what it needs is still in the processor's caches.
        self._free: list[RunnerSlot] = []
        self._processors = len(os.sched_getaffinity(0))
        # With the moment from which it is one that waits for something, or takes long.
        self._fresh: dict[RunnerSlot, float] = {}
        self._ageing = Alarm(self.serve)
        self._waiting: FairQueue[_Turn] = FairQueue(settings.queue_size)
        self._lateness = Alarm(self._refuse_the_late)
        self._servers: list[asyncio.Server] = []

    async def open(self) -> None:
        """Listen for the runners."""
        self._servers = [await slot.listen(self._settings) for slot in self._all]

    async def close(self) -> None:
        """Dismiss the runners and stop listening."""
        for server in self._servers:
            server.close()
        await asyncio.gather(*(slot.dismiss() for slot in self._all))

    async def run(self, job: Job, client: str) -> Outcome:
        """Execute a job for `client` when its turn has come; raises `Refused` with 429."""
        turn = _Turn(job, client)
        if self._free and not self._waiting and not self._until_a_processor():
            self._begin(turn, self._free.pop())
        else:
            self._line_up(turn)
            self.serve()
        try:
            answer = await turn.answer
        except asyncio.CancelledError:
            if turn.slot:
                turn.slot.give_up(job)
            else:
                self._waiting.remove(turn)
            raise
        if isinstance(answer, Refused):
            raise answer
        return answer

    def _begin(self, turn: _Turn, slot: RunnerSlot) -> None:
        turn.slot = slot
        now = time.monotonic()
        self._fresh[slot] = now + FRESH_SECONDS
        self._waited(now - turn.came)
        slot.begin(turn.job, turn.answer)

    def _line_up(self, turn: _Turn) -> None:
        try:
            # Who waits for a processor alone takes no place from those who wait for a slot.
            outcast = self._waiting.add(turn.client, turn, extra=len(self._free))
        except QueueFull:
            raise self._busy(f"{self._crowd()} already") from None
        self._lateness.set_if_off(self._settings.queue_wait)
        if outcast:
            self._refuse(outcast, f"{self._crowd()}; yours gave way to another client's")

    def _refuse_the_late(self) -> None:
        while turn := self._waiting.oldest:
            left = turn.came + self._settings.queue_wait - time.monotonic()
            if left > 0:
                self._lateness.set(left)
                return
            self._waiting.remove(turn)
            self._refuse(turn, f"no slot in {self._settings.queue_wait:g} seconds")

    def _refuse(self, turn: _Turn, detail: str) -> None:
        if not turn.answer.done():
            turn.answer.set_result(self._busy(detail))

    def _crowd(self) -> str:
        return f"{len(self._waiting)} runs are waiting"

    def _busy(self, detail: str) -> Refused:
        seconds = (len(self._waiting) + 1) * self._settings.default_timeout / len(self._all)
        return Refused(429, f"Busy: {detail}", {"Retry-After": str(math.ceil(seconds))})

    @property
    def somebody_waits(self) -> bool:
        """Whether there are runs in the queue."""
        return len(self._waiting) > 0

    def offer(self, slot: RunnerSlot) -> None:
        """Have a slot that is ready, or will be soon, for the run whose turn it is or the next."""
        if slot not in self._free:
            self._free.append(slot)
        self.serve()

    def withdraw(self, slot: RunnerSlot) -> None:
        """Give this slot to no run until it is offered again; what it had is over."""
        self._fresh.pop(slot, None)
        if slot in self._free:
            self._free.remove(slot)

    def serve(self) -> None:
        """Give free slots to the runs whose turn it is, as far as there are processors for them."""
        while self._free and self._waiting:
            if left := self._until_a_processor():
                self._ageing.set_if_off(left)
                return
            turn = self._waiting.take()
            if turn and not turn.answer.done():
                self._begin(turn, self._free.pop())

    def _until_a_processor(self) -> float:
        """Seconds until fewer runs are fresh than there are processors, if until then none ends."""
        while len(self._fresh) >= self._processors:
            slot, until = next(iter(self._fresh.items()))  # the one that began first
            left = until - time.monotonic()
            if left > 0:
                return left
            del self._fresh[slot]
        return 0.0

    def state(self) -> dict[str, Any]:
        """What `/ready` and `/metrics` tell: slots, queue, walls, why a slot is out of service."""
        alive = [slot for slot in self._all if slot.alive]
        walls = [set(slot.walls) for slot in alive]
        return {
            "slots": {
                "total": len(self._all),
                "alive": len(alive),
                "busy": sum(slot.busy for slot in alive),
            },
            "queue": {"length": len(self._waiting), "limit": self._settings.queue_size},
            "standing": set.intersection(*walls) if walls else set(),
            "memory_counters": sorted({slot.counter for slot in alive}),
            "reasons": [
                f"slot {slot.number}: {slot.trouble}" for slot in self._all if slot.trouble
            ],
        }


SLOTS = web.AppKey("slots", Slots)


def _peer_uid(transport: asyncio.Transport) -> int:
    peer = transport.get_extra_info("socket")
    data = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER_CREDENTIALS.size)
    return int(PEER_CREDENTIALS.unpack(data)[1])
