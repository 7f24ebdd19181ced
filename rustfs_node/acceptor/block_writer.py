"""Sending an object block by block to its set worker, with a bounded number of blocks on their way.

Nothing is visible before `finish`. Whoever gives up, for whatever reason, calls `abort`; a writer that is
never finished nor aborted is given up by the set worker after its idle limit. A set worker that was restarted
knows nothing of the writes that were open: the client may send all of it again, and is told so.
"""

from __future__ import annotations

import trio

from rustfs_node.acceptor.sets import Sets
from rustfs_node.bus import Reply
from rustfs_proto.versions import Versioning
from rustfs_proto.wire.faults import OPEN_RENAME, Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    ANY_STAMP,
    ObjectInfo,
    PutAbort,
    PutBlock,
    PutDone,
    PutFinish,
    PutOpen,
    PutOpened,
)
from rustfs_proto.wire.upload_ops import UploadGet, UploadGot


class BlockWriter:
    """An unfinished write at a set worker. `stripe_bytes` is the size of every block but the last."""

    def __init__(self, sets: Sets, peer: str, opening: PutOpen, opened: PutOpened, trace: str) -> None:
        self.stripe_bytes = opened.stripe_bytes
        self._sets = sets
        self._peer = peer
        self._opening = opening
        self._handle = opened.handle
        self._trace = trace
        self._next_index = 0
        self._under_way = 0
        self._fault: Fault | None = None
        self._moved = trio.lowlevel.ParkingLot()

    @classmethod
    async def open(cls, sets: Sets, opening: PutOpen, trace: str) -> BlockWriter:
        """Begin."""
        peer = sets.home(opening.bucket, opening.key)
        opened, _ = await sets.ask(peer, opening, PutOpened, trace=trace)
        return cls(sets, peer, opening, opened, trace)

    async def write(self, block: bytes) -> None:
        """Send the next block as soon as the window has room, and that of all uploads together. Raises the
        `Fault` of any block before.
        """
        await self._wait_until_under_way(self._sets.settings.put_window - 1)
        await self._sets.put_blocks.acquire()
        self._under_way += 1
        self._sets.bus.ask(
            self._peer,
            PutBlock(self._handle, self._next_index),
            (block,),
            deadline_s=self._sets.settings.set_deadline_s,
            on_reply=self._take_reply,
            trace=self._trace,
        )
        self._next_index += 1

    async def finish(
        self, info: ObjectInfo, expect: int = ANY_STAMP, versioning: Versioning = Versioning.OFF
    ) -> PutDone:
        """Commit; the version is durable when this returns."""
        await self._wait_until_under_way(0)
        request = PutFinish(self._handle, info, expect, versioning)
        try:
            done, _ = await self._sets.ask(self._peer, request, PutDone, trace=self._trace)
        except Fault as fault:
            if fault.code is FaultCode.NOT_FOUND:
                await self._require_upload()
                raise _forgotten(fault) from fault
            if fault.code in OPEN_RENAME:
                # The bytes have to be sent again; by then it shall have ended.
                opening = self._opening
                await self._sets.renames.settle(self._peer, opening.bucket, (opening.key,), self._trace)
            if fault.code is FaultCode.MOVED:
                # By then it shall be known where.
                await self._sets.homes.learn(self._trace)
            raise
        return done

    async def _require_upload(self) -> None:
        """Raises the `Fault` NOT_FOUND where it was the upload that is gone, and not the handle."""
        opening = self._opening
        if opening.part is not None:
            request = UploadGet(opening.bucket, opening.key, opening.part.upload_id)
            await self._sets.ask(self._peer, request, UploadGot, trace=self._trace)

    def abort(self) -> None:
        """Give up without waiting; safe during cancellation."""
        self._sets.bus.ask(
            self._peer,
            PutAbort(self._handle),
            deadline_s=self._sets.settings.set_deadline_s,
            on_reply=_forget,
            trace=self._trace,
        )

    async def _wait_until_under_way(self, blocks_max: int) -> None:
        while self._under_way > blocks_max and self._fault is None:
            await self._moved.park()
        if self._fault is not None:
            raise self._fault

    def _take_reply(self, outcome: Reply | Fault) -> None:
        self._under_way -= 1
        self._sets.put_blocks.release()
        if isinstance(outcome, Fault) and self._fault is None:
            # A block has nothing to be looked for but its handle.
            self._fault = _forgotten(outcome) if outcome.code is FaultCode.NOT_FOUND else outcome
        self._moved.unpark_all()


def _forgotten(fault: Fault) -> Fault:
    """The set worker does not know the handle (any more): to the client the same as one that went away."""
    return Fault(FaultCode.PEER_DOWN, f"the set worker forgot this write: {fault.message}")


def _forget(_: Reply | Fault) -> None:
    """Whether an abort arrived makes no difference: the handle expires."""
