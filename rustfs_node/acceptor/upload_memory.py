"""Memory of all uploads together: what was received of blocks and is not yet on its way to a set worker.

A claim grows with what its client sends, so a slow client costs what it has sent and not a block. Where
memory is short, claims wait in the order in which their blocks were begun, and an upload that has been at one
block for long is ended, longest first: what it has sent cannot be dropped and read again as a download's can,
and waiting for it would let a crowd of slow clients keep everybody out. Where memory suffices nobody is ended
for being slow.
"""

from __future__ import annotations

from itertools import count

import trio

from rustfs_node.seams.clock import Clock

_LOOK_S = 0.1
"""How often who waits looks whether somebody is slow by now."""


class UploadMemory:
    """`limit_bytes` in all. `slow_s`: how long an upload may be at one block before it is ended for others'
    sake.
    """

    def __init__(self, limit_bytes: int, slow_s: float, clock: Clock) -> None:
        self._limit_bytes = limit_bytes
        self._slow_s = slow_s
        self._clock = clock
        self._numbers = count()
        self._filling: dict[Claim, None] = {}
        self._waiting: dict[Claim, int] = {}
        self._is_looking = False
        self.taken_bytes = 0

    def claim(self) -> Claim:
        """Of one upload; nothing at first."""
        return Claim(self)

    def begin(self, claim: Claim) -> None:
        """A block of that claim is being received."""
        claim.begun_s, claim.number, claim.is_too_slow = self._clock.monotonic_s(), next(self._numbers), False
        self._filling[claim] = None

    def end(self, claim: Claim) -> None:
        """It is received, or never will be."""
        self._filling.pop(claim, None)

    async def take(self, claim: Claim, size_bytes: int) -> None:
        """So much more for that claim, at once or in its turn."""
        if self._waiting or not self._fits(size_bytes):
            await self._wait(claim, size_bytes)
        else:
            self._grant(claim, size_bytes)

    def give_back(self, claim: Claim, size_bytes: int) -> None:
        """So much less for that claim."""
        claim.held_bytes -= size_bytes
        self.taken_bytes -= size_bytes
        assert claim.held_bytes >= 0 <= self.taken_bytes, (claim.held_bytes, self.taken_bytes)
        if self._waiting:
            self._serve()

    async def _wait(self, claim: Claim, size_bytes: int) -> None:
        since_s = self._clock.monotonic_s()
        self._waiting[claim] = size_bytes
        try:
            self._serve()
            while claim in self._waiting:
                await self._look_or_sleep(claim)
        finally:
            self._waiting.pop(claim, None)
            if self._waiting and not self._is_looking:
                next(iter(self._waiting)).granted.unpark()
            # It was not its client that was slow.
            claim.begun_s += self._clock.monotonic_s() - since_s

    async def _look_or_sleep(self, claim: Claim) -> None:
        """One of those who wait looks now and then whether somebody has become slow."""
        if self._is_looking:
            await claim.granted.park()
            return
        self._is_looking = True
        try:
            with trio.move_on_after(_LOOK_S):
                await claim.granted.park()
        finally:
            self._is_looking = False
        self._serve()

    def _serve(self) -> None:
        """Give to those who wait what there is, oldest block first."""
        while self._waiting:
            claim = min(self._waiting, key=_number)
            size_bytes = self._waiting[claim]
            if not self._fits(size_bytes) and not self._all_wait():
                self._end_slow_ones(size_bytes)
                return
            del self._waiting[claim]
            self._grant(claim, size_bytes)
            claim.granted.unpark()

    def _grant(self, claim: Claim, size_bytes: int) -> None:
        claim.held_bytes += size_bytes
        self.taken_bytes += size_bytes

    def _fits(self, size_bytes: int) -> bool:
        return self.taken_bytes + size_bytes <= self._limit_bytes

    def _all_wait(self) -> bool:
        """Whether nobody holds anything but those who wait for more: then one of them must go on, or none
        ever would.
        """
        return self.taken_bytes == sum(claim.held_bytes for claim in self._waiting)

    def _end_slow_ones(self, size_bytes: int) -> None:
        """End the oldest of those that are slow, as many as it takes; their memory comes when they have
        ended.
        """
        limit_s = self._clock.monotonic_s() - self._slow_s
        coming_bytes = sum(claim.held_bytes for claim in self._filling if claim.is_too_slow)
        for claim in self._filling:
            if self._fits(size_bytes - coming_bytes):
                return
            if claim.begun_s <= limit_s and claim.held_bytes and claim not in self._waiting:
                coming_bytes += 0 if claim.is_too_slow else claim.held_bytes
                claim.give_up()


class Claim:
    """What one upload holds, and the block that it receives; `number` tells which block was begun first."""

    def __init__(self, memory: UploadMemory) -> None:
        self._memory = memory
        self._scope = trio.CancelScope()
        self.granted = trio.lowlevel.ParkingLot()
        self.held_bytes = 0
        self.begun_s = 0.0
        self.number = 0
        self.is_too_slow = False

    def begin(self) -> trio.CancelScope:
        """A block is received within the scope, which is cancelled where others need its memory more."""
        self._memory.begin(self)
        self._scope = trio.CancelScope()
        return self._scope

    async def have(self, size_bytes: int) -> None:
        """Hold so much from now on, which is more than before."""
        await self._memory.take(self, size_bytes - self.held_bytes)

    def end(self, size_bytes: int) -> None:
        """The block is received, and so much is still held for it."""
        self._memory.end(self)
        self._memory.give_back(self, self.held_bytes - size_bytes)

    def give_up(self) -> None:
        """End the receiving of the block."""
        self.is_too_slow = True
        self._scope.cancel()


def _number(claim: Claim) -> int:
    return claim.number
