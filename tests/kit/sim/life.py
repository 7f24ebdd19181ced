"""A process that can die at any moment and be started again.

Cancellation is no crash: it runs `finally` blocks, which tidy up, say goodbye and remove files. So a life
ends by a fence first: from that moment wires and file systems take no notice of it. Only then its tasks are
cancelled, and whatever they still try has no effect.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import structlog
import trio

from rustfs_node.seams.memory_files import PowerCut
from tests.kit.sim.world import World, told


@attrs.define(eq=False)
class Life:
    """From a start to an end."""

    process: str
    number: int
    is_over: bool = False
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    ended: trio.Event = attrs.field(factory=trio.Event)
    _nursery: trio.Nursery | None = None

    @property
    def nursery(self) -> trio.Nursery:
        """Where those who act within this process start tasks."""
        assert self._nursery is not None, self.process
        return self._nursery

    def begin(self, nursery: trio.Nursery) -> None:
        """The process is there."""
        self._nursery = nursery


Main = Callable[[Life, "trio.TaskStatus[None]"], Awaitable[None]]


@attrs.define(eq=False)
class Process:
    """One process with all its lives. `fence` is told which life has just ended."""

    world: World
    name: str
    main: Main
    fence: Callable[[Life], None]
    life: Life | None = None
    lives: int = 0
    _last: Life | None = None

    @property
    def is_running(self) -> bool:
        """Whether it lives; it may still be starting."""
        return self.life is not None

    async def start(self, nursery: trio.Nursery) -> None:
        """Begin a life and wait until it serves, or until it is dead again."""
        assert self.life is None, self.name
        former, self.lives = self._last, self.lives + 1
        self.life = self._last = life = Life(self.name, self.lives)
        if former is not None:
            await former.ended.wait()
        ready = trio.Event()
        nursery.start_soon(self._live, life, ready)
        await ready.wait()

    def crash(self) -> None:
        """SIGKILL."""
        life = self.life
        if life is not None:
            self._fence(life)
            life.scope.cancel()

    async def ended(self) -> None:
        """Wait until nothing is left of the last life."""
        if self._last is not None:
            await self._last.ended.wait()

    def _fence(self, life: Life) -> None:
        if not life.is_over:
            self.world.trace.note("dies", self.name, life.number)
            life.is_over, self.life = True, None
            self.fence(life)

    async def _live(self, life: Life, ready: trio.Event) -> None:
        try:
            with life.scope:
                async with trio.open_nursery() as nursery:
                    life.begin(nursery)
                    structlog.contextvars.bind_contextvars(process=self.name, life=life)
                    self.world.trace.note("lives", self.name, life.number)
                    await nursery.start(self.main, life)
                    ready.set()
        except* PowerCut:
            # Whoever raised it has fenced this life before.
            pass
        # Whatever kills a process is a finding, not the end of the simulation.
        except* Exception as group:
            if not life.is_over:
                self.world.fail(f"{self.name} died: {told(group)}")
        finally:
            self._fence(life)
            ready.set()
            life.ended.set()
