"""The runner's side of the conversation with the gateway: dials in, takes jobs one at a time."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

from code_runner.protocol import Frame, Frames, Job, Kind, Outcome, ProtocolError
from code_runner.runner.run import NeverBegan
from code_runner.runner.slot import Slot
from code_runner.waiting import is_readable

CHUNK = 65536
DIAL_SECONDS = 0.1
# Where runs are waiting for a slot, or a client has one after the other, the next is here by then.
NEXT_JOB_SECONDS = 0.005
ATTEMPTS = 3

logger = logging.getLogger(__name__)


class Agent:
    """Serves one slot to whichever gateway listens at `socket_path`, until it is dismissed."""

    def __init__(self, slot: Slot, socket_path: Path, max_code_bytes: int) -> None:
        self._slot = slot
        self._socket_path = socket_path
        self._max_code_bytes = max_code_bytes

    async def serve(self) -> None:
        """Dial, converse, and dial again when the gateway has gone; returns after SHUTDOWN."""
        while True:
            conversation = await self._dial()
            logger.info("connected to the gateway")
            if await conversation.converse():
                return
            await asyncio.sleep(DIAL_SECONDS)  # a gateway that hangs up at once may go on to

    async def _dial(self) -> _Conversation:
        loop = asyncio.get_running_loop()
        while True:
            try:
                _, conversation = await loop.create_unix_connection(
                    lambda: _Conversation(self._slot, self._max_code_bytes), str(self._socket_path)
                )
                return conversation
            except OSError:
                await asyncio.sleep(DIAL_SECONDS)


class _Conversation(asyncio.Protocol):
    """One connection: frames come in while, in a task, jobs are worked on."""

    def __init__(self, slot: Slot, max_code_bytes: int) -> None:
        loop = asyncio.get_running_loop()
        self._slot = slot
        self._frames = Frames(max_code_bytes)
        self._transport: asyncio.Transport
        self._over: asyncio.Future[bool] = loop.create_future()
        self._job: asyncio.Future[Job] = loop.create_future()
        self._others_wait = False
        self._in_service = False  # as far as the gateway knows
        self._cancelled: str | None = None  # may come before its job has begun
        self._sent: asyncio.Future[None] | None = None
        self._described: dict[str, Any] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(0)

    def data_received(self, data: bytes) -> None:
        """Listen to the frames that are complete."""
        try:
            for frame in self._frames.cut(data):
                if not self._over.done():
                    self._hear(frame)
        except ProtocolError as error:
            self._end(error)

    def connection_lost(self, error: Exception | None) -> None:
        """The gateway has gone."""
        self._end(error)

    def pause_writing(self) -> None:
        """More is to be sent than the socket takes at once."""
        self._sent = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Most of it has been sent."""
        if self._sent and not self._sent.done():
            self._sent.set_result(None)
        self._sent = None

    def _end(self, error: Exception | None) -> None:
        if self._over.done():
            return
        if error:
            self._over.set_exception(error)
            self._over.exception()  # where the worker has failed too, that one is told
        else:
            self._over.set_result(False)

    async def converse(self) -> bool:
        """Until the connection ends; returns whether the gateway has dismissed this runner."""
        worker = asyncio.create_task(self._work())
        try:
            either: set[asyncio.Future[Any]] = {worker, self._over}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if worker.done():
                worker.result()  # it never ends but by an error, which has to be seen
            return self._over.result()
        except (ConnectionError, ProtocolError) as error:
            logger.error("conversation with the gateway ended: %s", error)
        except Exception:
            # A fault of ours: start afresh, for if PID 1 ended, the whole pod would be unready.
            logger.exception("conversation with the gateway ended")
        finally:
            self._transport.close()  # whoever goes on talking learns that it is over
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
            # A run whose gateway has gone is of no use to anyone.
            await self._slot.clear()
        return False

    def _hear(self, frame: Frame) -> None:
        if frame.kind == Kind.SHUTDOWN:
            self._over.set_result(True)
        elif frame.kind == Kind.RUN:
            if self._job.done():
                raise ProtocolError("a second job before the first has begun")
            job, self._others_wait = Job.from_frame(frame)
            self._job.set_result(job)
        elif frame.kind == Kind.CANCEL:
            self._cancelled = frame.facts.get("run_id")
            self._slot.stop(self._cancelled)

    async def _work(self) -> None:
        another_follows = False  # at once, if the gateway has not given it to another slot
        while True:
            await self._slot.clean_up(self._out_of_service)
            if another_follows and not self._job.done():
                self._listen_for(NEXT_JOB_SECONDS)
            if not (self._job.done() and self._in_service):
                await self._slot.prepare(self._out_of_service)
                self._say_ready()
            job = await self._next_job()
            if job is None:
                continue
            outcome = await self._execute(job)
            another_follows = self._others_wait and self._slot.is_ready_soon()
            self._say(outcome.frame(job.run_id, ready_soon=another_follows))
            if self._sent:
                await self._sent  # or the rest of it would wait until the slot is clean again

    def _say_ready(self) -> None:
        """With what it is that is ready, where that is new."""
        description = self._slot.description
        known = description == self._described
        self._say(Frame(Kind.READY) if known else Frame.telling(Kind.READY, **description))
        self._described = description
        self._in_service = True

    async def _execute(self, job: Job) -> Outcome:
        """Execute a job, again where the child was lost before it had begun."""
        for _ in range(ATTEMPTS):
            await self._slot.clean_up(self._out_of_service)
            if job.run_id == self._cancelled:
                break
            try:
                return await self._slot.execute(job)
            except NeverBegan as error:
                logger.warning("run %s: its child was lost before it began: %s", job.run_id, error)
        else:
            logger.error("run %s: no child began it; the slot starts afresh", job.run_id)
            await self._slot.clear()
        return Outcome("cancelled" if job.run_id == self._cancelled else "runner_lost")

    async def _next_job(self) -> Job | None:
        """The next job; None where the child that should run it has gone while it waited."""
        if not self._job.done():
            self._listen_for(NEXT_JOB_SECONDS)
        if not self._job.done():
            either: set[asyncio.Future[Any]] = {self._job, self._slot.waiting}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not self._job.done():
            return None
        job, self._job = self._job.result(), asyncio.get_running_loop().create_future()
        return job

    def _listen_for(self, seconds: float) -> None:
        """Hear what the gateway says next, if it says so at once; its end is left to the loop."""
        connection = self._transport.get_extra_info("socket")
        if self._transport.is_closing() or not is_readable(connection, seconds):
            return
        try:
            data = os.read(connection.fileno(), CHUNK)
        except OSError:
            return
        self.data_received(data)

    def _out_of_service(self, reason: str) -> None:
        self._in_service = False
        self._say(Frame.telling(Kind.OUT_OF_SERVICE, reason=reason))

    def _say(self, frame: Frame) -> None:
        self._transport.write(frame.encode())
