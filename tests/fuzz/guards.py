"""What one input may cost: processor time, so that a busy machine is no failure, and memory.

Memory is the growth of the process's peak. In a process that once was large a little can hide below that
peak; so the memory that the whole corpus takes is measured in a process of its own.
"""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager

CPU_MAX_S = 5.0
"""A thousand times what the slowest well-formed input takes."""
GROWTH_MAX_BYTES = 96 << 20
"""The largest document that may be sent has 8 MiB; parsed it takes ten times that."""


class TooSlow(BaseException):
    """One input took longer than any may. No `Exception`: what is being tested must not catch it."""


class TooLarge(AssertionError):
    """One input took more memory than any may."""


@contextmanager
def time_limit() -> Iterator[None]:
    """Raise TooSlow in the main thread once the block has taken CPU_MAX_S of processor time."""

    def give_up(_signal: int, _frame: object) -> None:
        raise TooSlow(f"more than {CPU_MAX_S} s of processor time for one input")

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_MAX_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def memory_limit() -> Iterator[None]:
    """Raise TooLarge where the block made the process's peak grow by more than GROWTH_MAX_BYTES."""
    before = peak_bytes()
    yield
    growth = peak_bytes() - before
    if growth > GROWTH_MAX_BYTES:
        raise TooLarge(f"the process grew by {growth >> 20} MiB for one input")


def peak_bytes() -> int:
    """The most memory that this process ever had in use."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
