"""One trio run that is the same whenever its seed is.

What trio leaves to chance is taken away here: the order of tasks that are ready (its generator is seeded, and
it sorts them first), the order of equal deadlines (broken by `id` otherwise), real time, and the moment at
which the garbage collector runs. These are private names of trio; `tests/simulation/test_determinism.py`
notices when they move.
"""

from __future__ import annotations

import gc
import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from heapq import heappush
from typing import Any, TypeVar

import trio
from trio._core import _run as trio_run
from trio.testing import MockClock

T = TypeVar("T")


def run_seeded(seed: int, work: Callable[[], Awaitable[T]]) -> T:
    """The result of `work`, on a virtual clock that jumps whenever everybody waits."""
    with _seeded_schedule(seed), _ordered_deadlines(), _collector_at_rest():
        return trio.run(work, clock=MockClock(autojump_threshold=0))


@contextmanager
def _seeded_schedule(seed: int) -> Iterator[None]:
    was_allowed, state = trio_run._ALLOW_DETERMINISTIC_SCHEDULING, trio_run._r.getstate()  # noqa: SLF001
    trio_run._ALLOW_DETERMINISTIC_SCHEDULING = True  # noqa: SLF001
    trio_run._r.seed(seed)  # noqa: SLF001
    try:
        yield
    finally:
        trio_run._ALLOW_DETERMINISTIC_SCHEDULING = was_allowed  # noqa: SLF001
        trio_run._r.setstate(state)  # noqa: SLF001


@contextmanager
def _ordered_deadlines() -> Iterator[None]:
    """Equal deadlines expire in the order in which they were set."""
    deadlines, add, order = trio_run.Deadlines, trio_run.Deadlines.add, itertools.count()

    def add_in_order(self: Any, deadline: float, cancel_scope: trio.CancelScope) -> None:
        heappush(self._heap, (deadline, next(order), cancel_scope))
        self._active += 1

    deadlines.add = add_in_order
    try:
        yield
    finally:
        deadlines.add = add


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Finalizers run when the last reference goes, never in the middle of something else."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
