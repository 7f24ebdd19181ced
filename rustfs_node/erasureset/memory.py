"""Memory of bodies in flight: bounded, and given out in the order in which it was asked for.

Whoever finds none left waits instead of being refused, so that a burst on slow drives slows its senders down
through their windows. What waits is bounded too, in bytes and by the deadline of each request.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import trio

from rustfs_node.bus import Request
from rustfs_node.seams.clock import Clock
from rustfs_proto.wire.faults import Fault, FaultCode

Go = Callable[[Fault | None], None]
"""Takes None: the memory is yours; or the fault, after which it is not."""


class Memory:
    """`limit_bytes` to be taken at one time, `waiting_bytes_max` of those who wait for some."""

    def __init__(self, limit_bytes: int, waiting_bytes_max: int, clock: Clock) -> None:
        self._limit_bytes = limit_bytes
        self._waiting_bytes_max = waiting_bytes_max
        self._clock = clock
        self._waiting: deque[tuple[int, int, float, Go]] = deque()
        self._waiting_bytes = 0
        self._is_draining = False
        self.taken_bytes = 0

    def take(self, size_bytes: int, deadline: float, go: Go, *, is_here: bool = True) -> None:
        """Call `go` once: on the spot where the bytes are free, else when it is this one's turn, or with the
        fault OVERLOADED or EXPIRED. Not `is_here`: a read, which holds nothing while it waits.
        """
        here_bytes = size_bytes if is_here else 0
        if not self._waiting and self._fits(size_bytes):
            self.taken_bytes += size_bytes
            go(None)
        elif here_bytes and self._waiting_bytes + here_bytes > self._waiting_bytes_max:
            text = f"{self._waiting_bytes} bytes wait for {self._limit_bytes} in flight: try again later"
            go(Fault(FaultCode.OVERLOADED, text))
        else:
            self._waiting_bytes += here_bytes
            self._waiting.append((size_bytes, here_bytes, deadline, go))

    async def taken(self, request: Request, size_bytes: int, *, is_here: bool = True) -> None:
        """`take` for a task that serves `request`. Raises `Fault`."""
        outcome: list[Fault | None] = []
        is_decided = trio.Event()

        def go(fault: Fault | None) -> None:
            outcome.append(fault)
            is_decided.set()

        self.take(size_bytes, request.deadline, go, is_here=is_here)
        await is_decided.wait()
        if outcome[0] is not None:
            raise outcome[0]

    def give_back(self, size_bytes: int) -> None:
        """The bytes are free again: they go to those who wait."""
        self.taken_bytes -= size_bytes
        assert self.taken_bytes >= 0, self.taken_bytes
        # Whoever gets some may give it back on the spot: that is for the loop that is at work already.
        if self._waiting and not self._is_draining:
            self._is_draining = True
            self._drain()
            self._is_draining = False

    def _drain(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            size_bytes, here_bytes, deadline, go = self._waiting.popleft()
            self._waiting_bytes -= here_bytes
            if deadline <= self._clock.monotonic_s():
                go(Fault(FaultCode.EXPIRED, "there was no memory for it before its deadline"))
            else:
                self.taken_bytes += size_bytes
                go(None)

    def _fits(self, size_bytes: int) -> bool:
        """One that is larger than the limit goes alone."""
        return self.taken_bytes + size_bytes <= self._limit_bytes or not self.taken_bytes
