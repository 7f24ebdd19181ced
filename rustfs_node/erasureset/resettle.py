"""Settles again what a drive was not told, or forgot: after every start of a drive, and of this worker.

That a version is on a write quorum is told in notices that may be lost, and a drive may forget them with its
process. It then keeps what that version replaced, shard files included. So whenever a drive has begun
another life it is asked which rows it keeps older versions of; each is looked up on all drives, and the
newest version that a write quorum has is settled once more: one above it, of a write that was given up, may
be read or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import trio

from rustfs_node.bus import Bus, Reply
from rustfs_node.erasureset.state import SetState
from rustfs_proto.erasure.decide import quorum_to_say
from rustfs_proto.wire.drive_ops import (
    Commit,
    ListUnsettled,
    LookedUp,
    Lookup,
    RowName,
    RowState,
    UnsettledListed,
)
from rustfs_proto.wire.faults import Fault


class Resettler:
    """Remembers which life of each drive it has gone through."""

    def __init__(self, bus: Bus, state: SetState) -> None:
        self._bus, self._state = bus, state
        self._lives: dict[str, int] = {}

    async def run(self) -> None:
        """Look for new lives for ever."""
        while True:
            await trio.sleep(self._state.settings.resettle_delay_s)
            for plan in self._state.plan.drives:
                life = self._bus.statistics().peers[plan.name].incarnation
                if life and life != self._lives.get(plan.name) and await self._go_through(plan.slot):
                    self._lives[plan.name] = life

    async def _go_through(self, slot: int) -> bool:
        """All that this drive keeps; false where it did not answer to the end."""
        after: RowName | None = RowName()
        while after is not None:
            try:
                reply = await self._state.drives.read(slot, ListUnsettled(after))
            except Fault:
                return False
            assert isinstance(reply.message, UnsettledListed)
            for row in reply.message.rows:
                await self._settle(row)
            after = reply.message.after
            # Background work: clients come first.
            await trio.sleep(self._state.settings.resettle_pause_s)
        return True

    async def _settle(self, row: RowName) -> None:
        state = self._state
        if state.under_way.has((row.bucket, row.key)):
            # It is written just now, and will be settled by that.
            return
        found = await self._found(row)
        for stamp in sorted({looked_up.stamp for looked_up in found.values()}, reverse=True):
            whole = await self._whole(row, found, stamp)
            if self._is_quorum(whole):
                commit = Commit(row.space, row.bucket, row.key, stamp, whole[0].kind, row.sub)
                state.settler.add(commit, complete=False)
                await trio.sleep(state.settings.resettle_pause_s)
                return

    async def _whole(self, row: RowName, found: dict[int, LookedUp], stamp: int) -> list[LookedUp]:
        """What each drive says that has that version whole, be it below a newer one."""
        whole = [one for one in found.values() if one.stamp == stamp and _is_whole(one)]
        below = [slot for slot, one in found.items() if stamp in one.priors]
        if not self._is_quorum(whole) and len(whole) + len(below) >= self._state.write_quorum:
            exact = await self._found(row, stamp, below)
            whole += [one for one in exact.values() if one.stamp == stamp and _is_whole(one)]
        return whole

    def _is_quorum(self, whole: Sequence[LookedUp]) -> bool:
        """Whether so many drives have the version that it may have been acknowledged."""
        return bool(whole) and len(whole) >= quorum_to_say(whole[0], self._state.k, self._state.m)

    async def _found(
        self, row: RowName, stamp: int = 0, slots: Sequence[int] | None = None
    ) -> dict[int, LookedUp]:
        """What the drives that answer have, by slot: of all drives, or of `slots`."""
        lookup = Lookup(row.space, row.bucket, row.key, row.sub, stamp, want_inline=False)
        found: dict[int, LookedUp] = {}

        async def ask(slot: int) -> None:
            try:
                reply: Reply = await self._state.drives.read(slot, lookup)
            except Fault:
                # The others may do.
                return
            assert isinstance(reply.message, LookedUp)
            found[slot] = reply.message

        async with trio.open_nursery() as nursery:
            for slot in range(self._state.n) if slots is None else slots:
                nursery.start_soon(partial(ask, slot))
        return found


def _is_whole(found: LookedUp) -> bool:
    return found.state == RowState.FOUND and not found.no_files
