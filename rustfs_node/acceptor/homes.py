"""Where the slots are, as one acceptor knows it.

At first as the layout has them. What the charters of the sets say besides is learned at the start, when
a mover tells that slots have moved, whenever a set answers that a slot is not its own, and now and then. What
is known may be old, and nothing hangs on it: a set that is asked for a slot which it does not own says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
import structlog
import trio

from rustfs_node.plan import NodePlan
from rustfs_proto.erasure.charter import (
    CHARTER_KEY,
    Charter,
    CharterError,
    are_of_one_moment,
    charter_of,
    owners_of,
)
from rustfs_proto.erasure.layout import SLOTS, Layout, make_layout
from rustfs_proto.s3.names import SYSTEM_BUCKET
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import Get, Got

if TYPE_CHECKING:
    # The way to the sets asks here where a key is, and is the way on which that is learned.
    from rustfs_node.acceptor.sets import Sets

log = structlog.get_logger()


@attrs.frozen
class Kept:
    """A charter with the stamp of its version; stamp 0 and None where a set has none."""

    stamp: int
    charter: Charter | None


async def read_fields(sets: Sets, index: int, key: bytes, trace: str) -> tuple[int, Mapping[str, str]]:
    """What one of the system's objects says, which that set keeps for itself, with its stamp; 0 and nothing
    where there is none. Raises `Fault`.
    """
    request = Get(SYSTEM_BUCKET, key, want_data=False)
    try:
        got, _ = await sets.ask_once(sets.names[index], request, Got, trace=trace)
    except Fault as fault:
        if fault.code is not FaultCode.NOT_FOUND:
            raise
        return 0, {}
    return got.stamp, got.meta.user


class Homes:
    """`layout` is the one to go by; `base` the owners with which the deployment began."""

    def __init__(self, sets: Sets, plan: NodePlan) -> None:
        self._sets = sets
        founded = [one.k + one.m for one in plan.sets if not one.is_added]
        self.layout = make_layout(plan.deployment_id, founded)
        owners = self.layout.owners
        self.base = owners if len(owners) == SLOTS else owners * SLOTS
        self._count = len(plan.sets)
        self._known: dict[int, Kept] = {}
        self._learning: trio.Event | None = None

    async def learn(self, trace: str = "") -> None:
        """Ask all sets what they own. Those that ask for it at the same time learn together."""
        if self._count == 1:
            return
        if self._learning is not None:
            await self._learning.wait()
            return
        learning = self._learning = trio.Event()
        try:
            for index, kept in (await self._charters(trace)).items():
                if index not in self._known or kept.stamp > self._known[index].stamp:
                    self._known[index] = kept
            charters = {index: kept.charter for index, kept in self._known.items() if kept.charter}
            self.layout = Layout(self.layout.seed, owners_of(self.base, charters))
        finally:
            self._learning = None
            learning.set()

    async def learn_anew(self) -> None:
        """The same, of now: who learns already may have asked too early."""
        if self._learning is not None:
            await self._learning.wait()
        await self.learn()

    async def learn_for_ever(self, pause_s: float) -> None:
        """From the start on, now and then."""
        while True:
            await self.learn()
            await trio.sleep(pause_s)

    async def _charters(self, trace: str) -> dict[int, Kept]:
        found: dict[int, Kept] = {}

        async def ask(index: int) -> None:
            try:
                kept = await self.read(index, trace)
            except Fault as fault:
                # Others may claim what it had; else it is known as before.
                log.info("slots_not_told", set=index, reason=str(fault))
                return
            if kept.charter is not None:
                found[index] = kept

        async with trio.open_nursery() as nursery:
            for index in range(self._count):
                nursery.start_soon(ask, index)
        return found

    async def read(self, index: int, trace: str) -> Kept:
        """The charter of a set as it is now. Raises `Fault`."""
        stamp, fields = await read_fields(self._sets, index, CHARTER_KEY, trace)
        try:
            return Kept(stamp, charter_of(fields) if stamp else None)
        except CharterError as error:
            raise Fault(FaultCode.DAMAGED, str(error)) from error

    def are_whole(self, owned: list[bytes]) -> bool:
        """Whether what all sets said to own, one after the other, can be true of one moment."""
        return not any(owned) or are_of_one_moment(self.base, owned)
