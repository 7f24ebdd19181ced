"""What the operations of a set worker share.

One value, made when the worker starts, handed to every operation. It owns no data: everything in it can be
lost with the process.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import attrs
import trio

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.heal_counts import HealCounts
from rustfs_node.erasureset.heal_notes import HealNotes
from rustfs_node.erasureset.heal_pace import Pace
from rustfs_node.erasureset.hedge import Hedger
from rustfs_node.erasureset.locks import KeyLocks, WritesUnderWay
from rustfs_node.erasureset.memory import Memory
from rustfs_node.erasureset.open_reads import OpenReads
from rustfs_node.erasureset.patience import Patience
from rustfs_node.erasureset.peers import Drives
from rustfs_node.erasureset.settle import Settler
from rustfs_node.erasureset.usage_known import KnownUsage
from rustfs_node.erasureset.versions import Versions
from rustfs_node.plan import SetPlan
from rustfs_node.seams.clock import Clock
from rustfs_node.seams.randomness import Randomness
from rustfs_node.settings.erasureset import SetSettings
from rustfs_proto.erasure.codec import Codec
from rustfs_proto.objects import Geometry
from rustfs_proto.stamp import StampIssuer
from rustfs_proto.wire.faults import Fault, FaultCode

if TYPE_CHECKING:
    # A stream needs the state, and the state knows the open streams.
    # So does the charter.
    from rustfs_node.erasureset.charters import KnownCharter
    from rustfs_node.erasureset.handles import Handles

    # The lock clock stands in a row, which is read and written with the state.
    from rustfs_node.erasureset.lock_clock import LockClock

    # A sequence needs it, and it knows those under way.
    from rustfs_node.erasureset.sequences import Sequences


@lru_cache(maxsize=32)
def codec_of(geometry: Geometry) -> Codec:
    """The codec for objects of that geometry, which need not be the one new objects get."""
    return Codec(geometry.k, geometry.m)


@attrs.define(eq=False)
class SetState:
    """The state of one set worker. `geometry` is what new objects get, unless their storage class is one of
    `geometries`. `k`, `m`, `n` and `write_quorum` are the set's own: by them tombstones are counted, and what
    is known of a row before anybody knows its version. `degraded_reads`: for which the drives that were asked
    first did not suffice, or did not agree. `charter_wanted` is set by whoever meets a drive whose charter
    may be old. `heal_files`: whoever heals and copies a file has a turn of it. `open_reads`: whatever
    may answer by what drives say.
    """

    plan: SetPlan
    settings: SetSettings
    clock: Clock
    randomness: Randomness
    nursery: trio.Nursery
    drives: Drives
    hedger: Hedger
    settler: Settler
    heal_notes: HealNotes
    healing: HealCounts
    heal_pace: Pace
    heal_files: trio.CapacityLimiter
    sequences: Sequences
    open_reads: OpenReads
    locks: KeyLocks
    under_way: WritesUnderWay
    issuer: StampIssuer
    memory: Memory
    patience: Patience
    versions: Versions
    handles: Handles
    lock_clock: LockClock
    charter: KnownCharter
    geometry: Geometry
    geometries: Mapping[str, Geometry]
    k: int
    m: int
    n: int
    write_quorum: int
    tasks: int = 0
    charter_wanted: trio.Event = attrs.field(factory=trio.Event)
    degraded_reads: int = 0
    usage: KnownUsage = attrs.field(factory=KnownUsage)

    def geometry_of(self, storage_class: str) -> Geometry:
        """What new objects of that storage class get."""
        return self.geometries.get(storage_class, self.geometry)

    @property
    def is_alone(self) -> bool:
        """Whether no other worker serves these drives."""
        return len(self.plan.workers) == 1

    def new_stamp(self, above: int = 0) -> int:
        """A stamp above every one issued here, and above `above`."""
        return self.issuer.issue(self.clock.wall_ms(), above)

    def answer_later(self, request: Request, work: Callable[[SetState, Request], Awaitable[Reply]]) -> None:
        """Answer a request by a task; a `Fault` that it raises is the answer."""
        if self.tasks >= self.settings.tasks_max:
            request.fail(Fault(FaultCode.OVERLOADED, f"{self.tasks} calls are under way: try again later"))
            return
        self.tasks += 1
        self.nursery.start_soon(self._answer, request, work, self.open_reads.begin())

    async def _answer(
        self, request: Request, work: Callable[[SetState, Request], Awaitable[Reply]], generation: int
    ) -> None:
        try:
            reply = await work(self, request)
        except Fault as fault:
            request.fail(fault)
        else:
            request.reply(reply.message, reply.frames)
        finally:
            self.tasks -= 1
            self.open_reads.end(generation)
