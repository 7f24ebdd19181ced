"""Those who take part in the tests of the bus: handlers, takers of answers, and what waits for them."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
import trio

from rustfs_node.bus import Bus, Reply, Request
from rustfs_node.seams.clock import SystemClock
from rustfs_proto.wire.drive_ops import ShardWrite, ShardWritten
from rustfs_proto.wire.faults import Fault
from tests.conformance.nets import InMemory, Stage

WRITE = ShardWrite(b"0123456789abcdef", 7, b"check")


@attrs.define
class Keeper:
    """A handler that keeps what it got, batch by batch, and answers only when told."""

    batches: list[list[Request]] = attrs.field(factory=list)
    arrived: trio.Event = attrs.field(factory=trio.Event)

    def __call__(self, requests: list[Request]) -> None:
        self.batches.append(requests)
        self.arrived.set()

    @property
    def requests(self) -> list[Request]:
        """All so far."""
        return [request for batch in self.batches for request in batch]

    async def wait_for(self, count: int) -> list[Request]:
        """When at least that many have come."""
        while len(self.requests) < count:
            await self.arrived.wait()
            self.arrived = trio.Event()
        return self.requests


def echo(requests: list[Request]) -> None:
    """Give every payload back."""
    for request in requests:
        request.reply(ShardWritten(), request.frames)


async def fault_of(bus: Bus, peer: str, request: object = WRITE, deadline_s: float = 10) -> Fault:
    """How the call fails."""
    with pytest.raises(Fault) as caught:
        await bus.call(peer, request, deadline_s=deadline_s)
    return caught.value


async def until(condition: Callable[[], bool]) -> None:
    """When it holds; looked at in every pass of the event loop."""
    while not condition():
        await trio.lowlevel.checkpoint()


async def up(bus: Bus, peer: str) -> None:
    """When calls to the peer would be sent."""
    await until(lambda: bus.is_up(peer))


class Answers:
    """Takes answers in the order in which they come."""

    def __init__(self) -> None:
        self.got: list[Reply | Fault] = []
        self._more = trio.Event()

    def __call__(self, answer: Reply | Fault) -> None:
        self.got.append(answer)
        self._more.set()

    async def wait_for(self, count: int) -> list[Reply | Fault]:
        """When at least that many have come."""
        while len(self.got) < count:
            await self._more.wait()
            self._more = trio.Event()
        return self.got


async def clock_of(stage: Stage) -> float:
    """The clock that the buses of this stage go by."""
    return trio.current_time() if isinstance(stage.net, InMemory) else SystemClock().monotonic_s()
