"""One worker process: started, listened to, started again when it dies or falls silent, stopped in time.

The process itself is a `Child` of the seam, made by the `Spawn` function this class is given; so it runs in
tests against children that exist only there.
"""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Protocol

import attrs
import structlog
import trio

from rustfs_node.seams.forking import ForgeLost
from rustfs_node.seams.processes import READY
from rustfs_node.settings.node import NodeSettings
from rustfs_node.supervisor.backoff import Backoff


class ChildProcess(Protocol):
    """What a worker needs of its process; see `rustfs_node.seams.processes.Child`."""

    pid: int

    async def wait(self) -> int: ...

    async def receive_beats(self) -> bytes: ...

    def pending_beats(self) -> bytes: ...

    def send_signal(self, number: int) -> None: ...

    def close(self) -> None: ...


# A process that had not come as far as its signal handler ends by the signal itself.
_ORDERLY_ENDS = frozenset({0, -signal.SIGTERM})

Spawn = Callable[[], Awaitable[ChildProcess]]


class WorkerState(StrEnum):
    """Where a worker stands."""

    STARTING = "starting"  # the process runs and has not said that it is ready
    READY = "ready"
    DEAD = "dead"  # waiting to be started again
    STOPPED = "stopped"


@attrs.define(eq=False)
class Worker:
    """`last_status` is how its latest process ended; `on_change` is called, without arguments, whenever
    `state` changes.
    """

    name: str
    spawn: Spawn
    settings: NodeSettings
    log: structlog.typing.FilteringBoundLogger
    on_change: Callable[[], None]
    state: WorkerState = WorkerState.DEAD
    last_status: int | None = None
    _child: ChildProcess | None = None
    _ready_at: float | None = None
    _stopping: trio.Event = attrs.field(factory=trio.Event)
    _stopped: trio.Event = attrs.field(factory=trio.Event)

    async def run(self) -> None:
        """Keep the process running until `stop`."""
        backoff = Backoff(self.settings)
        while not self._stopping.is_set():
            status = await self._run_once()
            self.last_status = status
            if self._stopping.is_set():
                if status not in _ORDERLY_ENDS:
                    self.log.warning(
                        "worker_died", worker=self.name, reason=describe(status), while_stopping=True
                    )
                break
            delay_s = backoff.died(self._served_s())
            self._enter(WorkerState.DEAD)
            self.log.warning("worker_died", worker=self.name, reason=describe(status), again_in_s=delay_s)
            with trio.move_on_after(delay_s):
                await self._stopping.wait()
        self._enter(WorkerState.STOPPED)
        self._stopped.set()

    def _served_s(self) -> float:
        """How long the latest process was ready; what dies while it starts has served for no time."""
        return 0.0 if self._ready_at is None else trio.current_time() - self._ready_at

    async def _run_once(self) -> int:
        """One process, from its start to its end; the exit status."""
        try:
            child = await self.spawn()
        except ForgeLost:
            return -signal.SIGKILL
        self._child = child
        if self._stopping.is_set():
            # It was told to stop while it was being made.
            child.send_signal(signal.SIGTERM)
        self._ready_at = None
        self._enter(WorkerState.STARTING)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, child)
                status = await child.wait()
                nursery.cancel_scope.cancel()
            return status
        finally:
            self._child = None
            child.close()

    async def _listen(self, child: ChildProcess) -> None:
        """Read the child's beats; kill it when there are none. Its end of the line closes when it ends."""
        while True:
            beats = b""
            with trio.move_on_after(self.settings.hang_after_s) as silence:
                beats = await child.receive_beats()
            if silence.cancelled_caught:
                # It may be us who were stopped or swapped out: then its beats are waiting.
                if child.pending_beats():
                    continue
                self.log.error("worker_hung", worker=self.name, silent_s=self.settings.hang_after_s)
                child.send_signal(signal.SIGKILL)
                return
            if not beats:
                return
            if READY in beats and self.state is WorkerState.STARTING:
                self._ready_at = trio.current_time()
                self._enter(WorkerState.READY)

    def send_signal(self, number: int) -> None:
        """Signal the process, if there is one."""
        if self._child is not None:
            self._child.send_signal(number)

    async def stop(self, patience: trio.CancelScope) -> None:
        """SIGTERM, then SIGKILL when `patience`, which the caller enters and may cut short, is over."""
        self._stopping.set()
        self.send_signal(signal.SIGTERM)
        with patience:
            await self._stopped.wait()
        if not self._stopped.is_set():
            self.log.warning("worker_killed", worker=self.name, reason="it did not stop in time")
            self.send_signal(signal.SIGKILL)
            await self._stopped.wait()

    def _enter(self, state: WorkerState) -> None:
        if state is not self.state:
            self.state = state
            self.on_change()


def describe(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
