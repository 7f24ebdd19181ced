"""The same done to many things, some of them at a time, until the first of them fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

import trio

from rustfs_proto.wire.faults import Fault

T = TypeVar("T")


async def for_each(things: Sequence[T], at_once: int, work: Callable[[T], Awaitable[None]]) -> None:
    """After a `Fault` nothing further is begun; it is raised when what was begun has ended."""
    faults: list[Fault] = []

    async def go_on(waiting: Iterator[T]) -> None:
        for thing in waiting:
            try:
                await work(thing)
            except Fault as fault:
                faults.append(fault)
            if faults:
                break

    waiting = iter(things)
    async with trio.open_nursery() as nursery:
        for _ in range(min(at_once, len(things))):
            nursery.start_soon(go_on, waiting)
    if faults:
        raise faults[0]
