"""Ends renames: those of this acceptor, and those that others have left or are still at.

Whoever meets an open rename waits a moment, as it is nearly always about to end by itself. What is still
open then is ended here: forward if its source has the mark, else back, once it is certain that no mark can
come any more. Whatever dies on the way, everybody who comes later finds the same and goes on with it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import trio

from rustfs_node.seams.clock import Clock
from rustfs_proto.objects import Rename
from rustfs_proto.wire.rename_ops import (
    OpenRename,
    RenameDecide,
    RenameDecided,
    RenameDrop,
    RenameFinish,
    RenameForget,
    RenamesListed,
    RenamesOpen,
    RenameState,
)
from rustfs_proto.wire.set_ops import Done

if TYPE_CHECKING:
    # The way to the sets ends renames that it meets.
    from rustfs_node.acceptor.sets import Sets

_Where = tuple[str, str, frozenset[bytes] | None]
"""The set worker that tells of renames, their bucket, and the keys that are asked for."""


class Renames:
    """Renames as one acceptor meets them."""

    def __init__(self, sets: Sets, clock: Clock) -> None:
        self._sets, self._clock = sets, clock
        self._settling: dict[_Where, trio.Event] = {}

    async def settle(self, peer: str, bucket: str, keys: Collection[bytes] | None, trace: str) -> None:
        """Until what is open there now, of `keys` or with None of the whole bucket, has ended. Raises
        `Fault`. Requests that wait for the same let one of them work.
        """
        where = (peer, bucket, None if keys is None else frozenset(keys))
        if (event := self._settling.get(where)) is not None:
            await event.wait()
            return
        event = self._settling[where] = trio.Event()
        try:
            for one in await self._patiently(where, trace):
                await self.end(bucket, one.rename_id, one.rename, trace)
        finally:
            del self._settling[where]
            event.set()

    async def _patiently(self, where: _Where, trace: str) -> list[OpenRename]:
        """What has not ended by itself within the patience."""
        settings = self._sets.settings
        until_s = self._clock.monotonic_s() + settings.rename_patience_s
        waiting = await self._open(where, trace)
        while waiting and self._clock.monotonic_s() < until_s:
            await trio.sleep(settings.rename_poll_s)
            still = await self._open(where, trace)
            waiting = {rename_id: one for rename_id, one in waiting.items() if rename_id in still}
        return list(waiting.values())

    async def _open(self, where: _Where, trace: str) -> dict[bytes, OpenRename]:
        peer, bucket, keys = where
        listed, _ = await self._sets.ask_once(peer, RenamesOpen(bucket), RenamesListed, trace=trace)
        return {
            one.rename_id: one
            for one in listed.renames
            if keys is None or one.rename.source in keys or one.rename.target in keys
        }

    async def end(self, bucket: str, rename_id: bytes, rename: Rename, trace: str) -> RenameState:
        """End a rename one way or the other, and tell which. Raises `Fault`, with nothing lost."""
        lead = self._sets.lead(bucket, rename.source)
        request = RenameDecide(bucket, rename.source, rename_id, gives_up=True)
        decided, _ = await self._sets.ask_home(lead, request, RenameDecided, trace=trace)
        state = RenameState(decided.state)
        if state is RenameState.MOVED:
            await self.finish(bucket, rename_id, rename, trace)
        else:
            lead = self._sets.lead(bucket, rename.target)
            drop = RenameDrop(bucket, rename.target, rename_id)
            await self._sets.ask_home(lead, drop, Done, trace=trace)
        return state

    async def finish(self, bucket: str, rename_id: bytes, rename: Rename, trace: str) -> None:
        """A rename that has happened: the target first, as what is at the source tells that it has."""
        sets = self._sets
        finish = RenameFinish(bucket, rename.target, rename_id)
        await sets.ask_home(sets.lead(bucket, rename.target), finish, Done, trace=trace)
        forget = RenameForget(bucket, rename.source, rename_id)
        await sets.ask_home(sets.lead(bucket, rename.source), forget, Done, trace=trace)
