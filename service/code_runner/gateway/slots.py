"""Who is free: the gateway's side of the conversation with the runners, and the queue of runs."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
import struct
from collections import deque
from typing import Any

from code_runner.gateway.errors import Refused
from code_runner.protocol import Frame, Job, Kind, Outcome, ProtocolError, output_bytes, read_frame
from code_runner.settings import Settings

PEER_CREDENTIALS = struct.Struct("3i")
# A runner ends a run at its timeout and answers within a second or two; one that does not is lost.
ANSWER_GRACE_SECONDS = 5.0
LOST = Outcome("runner_lost")

logger = logging.getLogger(__name__)


class RunnerSlot:
    """One slot as the gateway knows it: whether its runner is there, and what it is doing."""

    def __init__(self, number: int, slots: Slots) -> None:
        self.number = number
        self.walls: list[str] = []
        self.trouble: str | None = "its runner has not dialled in yet"
        self.busy = False
        self._slots = slots
        self._writer: asyncio.StreamWriter | None = None
        self._answer: asyncio.Future[Outcome] | None = None
        self._run_id = ""

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
            logger.warning("slot %d: connection of uid %d refused", self.number, uid)
            writer.close()
            return
        self._writer = writer
        max_body = 2 * output_bytes(settings.max_output_size)
        try:
            while frame := await read_frame(reader, max_body):
                self._handle(frame)
            reason = "its runner has gone"
        except (ProtocolError, KeyError, TypeError, ValueError) as error:
            reason = f"its runner sent what it should not: {error!r}"
        logger.warning("slot %d: %s", self.number, reason)
        writer.close()
        self._writer = None
        self.trouble = reason
        self._finish(LOST)

    def _handle(self, frame: Frame) -> None:
        if frame.kind == Kind.READY:
            self.walls = list(frame.meta["walls"])
            self.trouble = None
            self.busy = False
            self._slots.hand_out(self)
        elif frame.kind == Kind.OUT_OF_SERVICE:
            self.trouble = str(frame.meta["reason"])
            self._slots.withdraw(self)
        elif frame.kind == Kind.RESULT and frame.meta["run_id"] == self._run_id:
            self._finish(Outcome.from_frame(frame))

    def _finish(self, outcome: Outcome) -> None:
        self._slots.withdraw(self)
        if self._answer and not self._answer.done():
            self._answer.set_result(outcome)

    async def execute(self, job: Job) -> Outcome:
        """Have the runner execute a job; `runner_lost` if it goes away or never answers."""
        if not self._writer:
            return LOST
        self._run_id = job.run_id
        self._answer = asyncio.get_running_loop().create_future()
        self._writer.write(job.frame().encode())
        try:
            return await asyncio.wait_for(self._answer, job.timeout + ANSWER_GRACE_SECONDS)
        except TimeoutError:
            self._writer.close()
            return LOST
        except asyncio.CancelledError:
            self._send(Frame(Kind.CANCEL, {"run_id": job.run_id}))
            raise

    def dismiss(self) -> None:
        """Tell the runner to end."""
        self._send(Frame(Kind.SHUTDOWN))

    def _send(self, frame: Frame) -> None:
        if self._writer:
            self._writer.write(frame.encode())


class Slots:
    """All slots of this pod, and the runs that wait for one, first come first served."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._all = [RunnerSlot(number, self) for number in range(settings.slots)]
        self._free: deque[RunnerSlot] = deque()
        self._waiting: deque[asyncio.Future[RunnerSlot]] = deque()
        self._servers: list[asyncio.Server] = []
        self._under_way = 0
        self._idle = asyncio.Event()
        self.draining = False

    async def open(self) -> None:
        """Listen for the runners."""
        self._servers = [await slot.listen(self._settings) for slot in self._all]

    async def close(self) -> None:
        """Dismiss the runners and stop listening."""
        for slot in self._all:
            slot.dismiss()
        for server in self._servers:
            server.close()

    async def drain(self) -> None:
        """Take no more runs, and wait until those taken have been answered."""
        self.draining = True
        if self._under_way:
            await self._idle.wait()

    async def run(self, job: Job) -> Outcome:
        """Execute a job in the next free slot; raises `Refused` with 429 or 503."""
        if self.draining:
            raise Refused(503, "Shutting down", {"Retry-After": "1"})
        self._under_way += 1
        try:
            slot = await self._acquire()
            return await slot.execute(job)
        finally:
            self._under_way -= 1
            if self.draining and not self._under_way:
                self._idle.set()

    async def _acquire(self) -> RunnerSlot:
        if self._free:
            slot = self._free.popleft()
            slot.busy = True
            return slot
        if len(self._waiting) >= self._settings.queue_size:
            raise self._busy(f"Busy: {len(self._waiting)} runs are waiting already")
        turn: asyncio.Future[RunnerSlot] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await asyncio.wait_for(turn, self._settings.queue_wait)
        except TimeoutError:
            raise self._busy(f"Busy: no slot in {self._settings.queue_wait:g} seconds") from None
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.hand_out(turn.result())
            raise
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)

    def _busy(self, detail: str) -> Refused:
        seconds = (len(self._waiting) + 1) * self._settings.default_timeout / len(self._all)
        return Refused(429, detail, {"Retry-After": str(math.ceil(seconds))})

    def hand_out(self, slot: RunnerSlot) -> None:
        """Give a slot that is ready to the run that has waited longest, or keep it for the next."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                slot.busy = True
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
            "reasons": [
                f"slot {slot.number}: {slot.trouble}" for slot in self._all if slot.trouble
            ],
        }


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    peer = writer.get_extra_info("socket")
    data = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER_CREDENTIALS.size)
    return int(PEER_CREDENTIALS.unpack(data)[1])
