"""Several pieces of work side by side, in one task that waits for all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import trio

from rustfs_proto.wire.faults import Fault

T = TypeVar("T")


async def together(works: Sequence[Callable[[], Awaitable[T]]], at_once: int) -> list[T]:
    """Results in the order of `works`, `at_once` under way at a time. All are finished before the first
    `Fault`, in the order of `works`, is raised.
    """
    results: list[T] = []
    for outcome in await outcomes_of(works, at_once):
        if isinstance(outcome, Fault):
            raise outcome
        results.append(outcome)
    return results


async def outcomes_of(works: Sequence[Callable[[], Awaitable[T]]], at_once: int) -> list[T | Fault]:
    """As `together`, with each `Fault` in the place of the result."""
    outcomes: dict[int, T | Fault] = {}
    limiter = trio.CapacityLimiter(at_once)

    async def run(index: int, work: Callable[[], Awaitable[T]]) -> None:
        async with limiter:
            try:
                outcomes[index] = await work()
            except Fault as fault:
                outcomes[index] = fault

    async with trio.open_nursery() as nursery:
        for index, work in enumerate(works):
            nursery.start_soon(run, index, work)
    return [outcome for _, outcome in sorted(outcomes.items())]
