"""Who is free: the gateway's side of the conversation with the runners, and who gets them."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
import struct
from collections import deque
from typing import Any

from code_runner.gateway.errors import Refused
from code_runner.gateway.queue import FairQueue, QueueFull
from code_runner.protocol import Frame, Job, Kind, Outcome, ProtocolError, output_bytes, read_frame
from code_runner.settings import Settings

PEER_CREDENTIALS = struct.Struct("3i")
# A runner ends a run at its timeout and answers within a second or two; one that does not is lost.
ANSWER_GRACE_SECONDS = 5.0
# Between a run's end and the next readiness lie the emptying of folders and a fork.
SILENCE_SECONDS = 30.0
LOST = Outcome("runner_lost")

logger = logging.getLogger(__name__)


class RunnerSlot:
    """One slot as the gateway knows it: whether its runner is there, and what it is doing."""

    def __init__(self, number: int, slots: Slots) -> None:
        self.number = number
        self.walls: list[str] = []
        self.counter = ""
        self.trouble: str | None = "its runner has not dialled in yet"
        self.busy = False
        self._slots = slots
        self._writer: asyncio.StreamWriter | None = None
        self._answer: asyncio.Future[Outcome] | None = None
        self._run_id = ""
        self._engaged = False  # handed out, and its run has not ended yet
        self._conversation: asyncio.Task[None] | None = None
        self._refusals = 0
        self._hurry: asyncio.TimerHandle | None = None

    @property
    def alive(self) -> bool:
        """Whether the slot is there and in order, be it busy or not."""
        return self.trouble is None

    async def listen(self, settings: Settings) -> asyncio.Server:
        """Listen for the slot's runner."""
        path = settings.socket_path(self.number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(
            lambda reader, writer: self._connected(reader, writer, settings), path
        )
        # What keeps others out is the folder: only the gateway and this slot's container have it.
        path.chmod(0o777)
        return server

    async def _connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, settings: Settings
    ) -> None:
        uid = _peer_uid(writer)
        if uid != settings.runner_uids[self.number] or self._writer:
            # A second one is not the runner: it may be a client's code that has found the socket.
            self._refusals += 1
            if self._refusals == 1:
                logger.warning("slot %d: connection of uid %d refused", self.number, uid)
            if not self._writer:
                expected = settings.runner_uids[self.number]
                self.trouble = f"a connection of uid {uid} was refused, its runner has {expected}"
            writer.close()
            return
        self._writer = writer
        self._refusals = 0
        self._conversation = asyncio.current_task()
        max_body = 2 * output_bytes(settings.max_output_size)
        try:
            while frame := await read_frame(reader, max_body):
                self._handle(frame)
            reason = "its runner has gone"
        except (ProtocolError, KeyError, TypeError, ValueError) as error:
            reason = f"its runner sent what it should not: {error!r}"
        logger.warning("slot %d: %s", self.number, reason)
        writer.close()
        self._relax()
        self._writer = None
        self.trouble = reason
        self._finish(LOST)

    def _handle(self, frame: Frame) -> None:
        if frame.kind == Kind.READY:
            self._relax()
            self.walls = list(frame.meta["walls"])
            self.counter = str(frame.meta["memory_counter"])
            self.trouble = None
            # A child that is lost while it waits is replaced, also with a run on its way to it.
            if not self._engaged:
                self._slots.hand_out(self)
        elif frame.kind == Kind.OUT_OF_SERVICE:
            self._relax()
            self.trouble = str(frame.meta["reason"])
            self._slots.withdraw(self)
        elif frame.kind == Kind.RESULT and frame.meta["run_id"] == self._run_id:
            self._finish(Outcome.from_frame(frame))
            self._expect_news()

    def _expect_news(self) -> None:
        """Give the runner up if it neither gets ready again nor says why not."""
        self._relax()
        self._hurry = asyncio.get_running_loop().call_later(SILENCE_SECONDS, self._give_up)

    def _relax(self) -> None:
        if self._hurry:
            self._hurry.cancel()

    def _give_up(self) -> None:
        if self._writer:
            self.trouble = f"its runner has said nothing for {SILENCE_SECONDS:g} seconds"
            self._slots.withdraw(self)
            self._writer.close()

    def _finish(self, outcome: Outcome) -> None:
        self._slots.withdraw(self)
        self._engaged = False
        if self._answer and not self._answer.done():
            self._answer.set_result(outcome)

    def engage(self) -> None:
        """Keep the slot for one run, which `execute` or `release` has to follow."""
        self._engaged = self.busy = True

    def release(self) -> None:
        """Give the slot back unused."""
        self._engaged = False
        self._slots.hand_out(self)

    async def execute(self, job: Job) -> Outcome:
        """Have the runner execute a job; `runner_lost` if it goes away or never answers."""
        writer = self._writer
        if not writer:
            return LOST
        self._run_id = job.run_id
        self._answer = asyncio.get_running_loop().create_future()
        writer.write(job.frame().encode())
        try:
            async with asyncio.timeout(job.timeout + ANSWER_GRACE_SECONDS):
                return await self._answer
        except TimeoutError:
            writer.close()
            return LOST
        except asyncio.CancelledError:
            # The slot stays engaged: an outcome still comes, though nobody waits for it.
            writer.write(Frame(Kind.CANCEL, {"run_id": job.run_id}).encode())
            self._expect_news()
            raise

    async def dismiss(self) -> None:
        """Tell the runner to end, and wait for the end of the conversation."""
        if self._writer and self._conversation:
            self._writer.write(Frame(Kind.SHUTDOWN).encode())
            self._writer.close()
            await asyncio.wait({self._conversation}, timeout=ANSWER_GRACE_SECONDS)


class Slots:
    """All slots of this pod, and the runs that wait for one: see `FairQueue` for their order."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._all = [RunnerSlot(number, self) for number in range(settings.slots)]
        self._free: deque[RunnerSlot] = deque()
        # A turn that comes to None had to leave the queue.
        self._waiting: FairQueue[asyncio.Future[RunnerSlot | None]]
        self._waiting = FairQueue(settings.queue_size)
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
        slot = await self._acquire(client)
        while not slot.alive:  # lost since it was handed out
            slot.release()
            slot = await self._acquire(client)
        return await slot.execute(job)

    async def _acquire(self, client: str) -> RunnerSlot:
        if self._free:
            slot = self._free.popleft()
            slot.engage()
            return slot
        turn = self._line_up(client)
        try:
            async with asyncio.timeout(self._settings.queue_wait):
                given = await turn
        except BaseException as error:
            taken = not self._waiting.remove(client, turn) and not turn.cancelled()
            if taken and (in_vain := turn.result()):
                in_vain.release()
            if isinstance(error, TimeoutError):
                waited = f"{self._settings.queue_wait:g} seconds"
                raise self._busy(f"no slot in {waited}") from None
            raise
        if not given:
            raise self._busy(f"{self._crowd()}; yours gave way to another client's")
        return given

    def _line_up(self, client: str) -> asyncio.Future[RunnerSlot | None]:
        turn: asyncio.Future[RunnerSlot | None] = asyncio.get_running_loop().create_future()
        try:
            outcast = self._waiting.add(client, turn)
        except QueueFull:
            raise self._busy(f"{self._crowd()} already") from None
        if outcast and not outcast.done():
            outcast.set_result(None)
        return turn

    def _crowd(self) -> str:
        return f"{len(self._waiting)} runs are waiting"

    def _busy(self, detail: str) -> Refused:
        seconds = (len(self._waiting) + 1) * self._settings.default_timeout / len(self._all)
        return Refused(429, f"Busy: {detail}", {"Retry-After": str(math.ceil(seconds))})

    def hand_out(self, slot: RunnerSlot) -> None:
        """Give a slot that is ready to the run whose turn it is, or keep it for the next."""
        if not slot.alive:
            return
        while turn := self._waiting.take():
            if not turn.done():
                slot.engage()
                turn.set_result(slot)
                return
        slot.busy = False
        if slot not in self._free:
            self._free.append(slot)

    def withdraw(self, slot: RunnerSlot) -> None:
        """Give this slot to no run until it is handed out again."""
        if slot in self._free:
            self._free.remove(slot)

    def state(self) -> dict[str, Any]:
        """What `/ready` tells: slots, walls, and why a slot is out of service."""
        alive = [slot for slot in self._all if slot.alive]
        walls = [set(slot.walls) for slot in alive]
        return {
            "slots": {
                "total": len(self._all),
                "alive": len(alive),
                "busy": sum(slot.busy for slot in alive),
            },
            "standing": set.intersection(*walls) if walls else set(),
            "memory_counters": sorted({slot.counter for slot in alive}),
            "reasons": [
                f"slot {slot.number}: {slot.trouble}" for slot in self._all if slot.trouble
            ],
        }


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    peer = writer.get_extra_info("socket")
    data = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER_CREDENTIALS.size)
    return int(PEER_CREDENTIALS.unpack(data)[1])
