"""Memory of all downloads together: blocks that were asked for and not yet sent.

Nothing that a client has not taken is lost when it is dropped: it can be read again. So where memory is
short, clients that were slow to take their block lose it, slowest first, and are slow ones from then on: they
get small pieces, out of one half of the memory, until they prove lively. The lively ones share the rest, and
find it however many slow ones there are. Whoever finds none waits, in the order of asking.
"""

from __future__ import annotations

from typing import Protocol

import attrs
import trio

from rustfs_node.seams.clock import Clock

_LOOK_S = 0.1
"""How often who waits looks whether somebody is slow by now."""


class Holder(Protocol):
    """A download that offers a block to its client."""

    def give_up_blocks(self) -> None:
        """Give back everything held; it is read again when the client goes on."""
        ...


@attrs.define(eq=False)
class _Share:
    """What lively or slow downloads have of the memory, and where they wait for more."""

    limit_bytes: int
    taken_bytes: int = 0
    turn: trio.StrictFIFOLock = attrs.field(factory=trio.StrictFIFOLock)
    freed: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot)
    offering: dict[Holder, float] = attrs.field(factory=dict)


class DownloadMemory:
    """`limit_bytes` in all. `slow_s`: how long a client may take for a block before others may have its
    memory.
    """

    def __init__(self, limit_bytes: int, slow_s: float, clock: Clock) -> None:
        self.slow_s = slow_s
        self.clock = clock
        self._limit_bytes = limit_bytes
        self._lively, self._slow = _Share(limit_bytes), _Share(limit_bytes // 2)

    @property
    def taken_bytes(self) -> int:
        """By all downloads."""
        return self._lively.taken_bytes + self._slow.taken_bytes

    @property
    def is_ample(self) -> bool:
        """Whether there is enough to read ahead of clients: less than half is taken."""
        return self.taken_bytes * 2 < self._limit_bytes

    def take_now(self, size_bytes: int, *, is_slow: bool = False) -> bool:
        """Take that much if it is there and nobody waits for some. One that is larger than all goes alone."""
        share = self._share(is_slow)
        if share.turn.locked() or not self._fits(share, size_bytes):
            return False
        share.taken_bytes += size_bytes
        return True

    async def take(self, size_bytes: int, *, is_slow: bool = False) -> None:
        """Take that much, when it is this one's turn."""
        share = self._share(is_slow)
        async with share.turn:
            while not self._fits(share, size_bytes):
                if not self._reclaim(share, size_bytes):
                    with trio.move_on_after(_LOOK_S):
                        await share.freed.park()
            share.taken_bytes += size_bytes

    def give_back(self, size_bytes: int, *, is_slow: bool = False) -> None:
        """The bytes are sent, or not wanted any more."""
        share = self._share(is_slow)
        share.taken_bytes -= size_bytes
        assert share.taken_bytes >= 0, share.taken_bytes
        self._lively.freed.unpark()
        self._slow.freed.unpark()

    def offer(self, holder: Holder, since_s: float, *, is_slow: bool) -> None:
        """It is up to the client of `holder`, which has its block since then, to take something."""
        self._share(is_slow).offering[holder] = since_s

    def withdraw(self, holder: Holder) -> None:
        """The client took some, or is not waited for any more."""
        self._lively.offering.pop(holder, None)
        self._slow.offering.pop(holder, None)

    def _share(self, is_slow: bool) -> _Share:
        return self._slow if is_slow else self._lively

    def _fits(self, share: _Share, size_bytes: int) -> bool:
        has_room = self.taken_bytes + size_bytes <= self._limit_bytes
        return (has_room and share.taken_bytes + size_bytes <= share.limit_bytes) or not share.taken_bytes

    def _reclaim(self, share: _Share, size_bytes: int) -> bool:
        """Have those give up their blocks who are slow, slowest first; whether that was enough."""
        limit_s = self.clock.monotonic_s() - self.slow_s
        slow = [holder for holder, since_s in share.offering.items() if since_s <= limit_s]
        for holder in sorted(slow, key=share.offering.__getitem__):
            del share.offering[holder]
            holder.give_up_blocks()
            if self._fits(share, size_bytes):
                return True
        return False
