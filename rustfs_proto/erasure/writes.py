"""Counting what drives answer to a commit: when a write is acknowledged, when it can no longer be, and how
its failure is told.

A write is acknowledged as soon as W drives have it on stable storage, and given up as soon as too few are
left that could. What an error says of the effect matters: only where certainly no drive has applied the write
may the answer be one of `NOT_APPLIED`.

A write that failed may be made once more, under a later stamp, only where its first version can no longer
come to be on W drives. Else both may be seen: the first one, what came between them, and the second.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

import attrs

from rustfs_proto.wire.faults import Fault, FaultCode


class WriteState(Enum):
    """How a write stands."""

    PENDING = 0
    ACKNOWLEDGED = 1
    FAILED = 2


@attrs.define
class Tally:
    """Answers to one write so far. `drives` were asked, `quorum` must commit, and `shards_needed` of them
    must hold the shard file of each part, or where that is one of `fresh` as many as must commit; `gaps`
    counts, by data id, those that do not. `shown_by`: so many drives that have the version are enough for a
    read of another worker to give it to further ones (default: the quorum).
    """

    drives: int
    quorum: int
    shards_needed: int
    committed: int = 0
    faults: list[Fault] = attrs.field(factory=list)
    gaps: dict[bytes, int] = attrs.field(factory=dict)
    fresh: Collection[bytes] = ()
    shown_by: int = attrs.field(default=attrs.Factory(lambda self: self.quorum, takes_self=True))

    def commit(self, missing: tuple[bytes, ...] = ()) -> None:
        """One more drive has committed; it lacks these shard files."""
        self.committed += 1
        for data_id in missing:
            self.gaps[data_id] = self.gaps.get(data_id, 0) + 1

    @property
    def shards(self) -> int:
        """Drives that have committed and hold the shard file, for the part of which the fewest do."""
        return self.committed - max(self.gaps.values()) if self.gaps else self.committed

    @property
    def fresh_shards(self) -> int:
        """The same for the parts in `fresh` alone; where there are none, all that have committed."""
        return self.committed - max((self.gaps.get(data_id, 0) for data_id in self.fresh), default=0)

    @property
    def state(self) -> WriteState:
        """Never changes once it is no longer PENDING."""
        if self._is_enough(0):
            return WriteState.ACKNOWLEDGED
        still_open = self.drives - self.committed - len(self.faults)
        # Whoever is told that it certainly was not applied asks the set that has the slot now.
        hears_all = bool(still_open and not self.committed) and self._has_moved
        return WriteState.PENDING if hears_all or self._is_enough(still_open) else WriteState.FAILED

    @property
    def _has_moved(self) -> bool:
        return any(fault.code is FaultCode.MOVED for fault in self.faults)

    def _is_enough(self, more: int) -> bool:
        """Whether it is acknowledged once so many more drives have committed and have all files."""
        return self.fresh_shards + more >= self.quorum and self.shards + more >= self.shards_needed

    @property
    def is_void(self) -> bool:
        """Whether it failed for good: so many drives have refused it that it never is on a quorum, nor was it
        when a read gave it to drives that have refused it since, because something newer has come there.
        """
        left = self.drives - sum(fault.not_applied for fault in self.faults)
        return left < min(self.quorum, self.shown_by)

    @property
    def newest_seen(self) -> int:
        """The newest version that a drive refused this write for, where a retry may be stamped above it;
        else 0.
        """
        return newest_seen(self.faults) if self.is_void else 0

    @property
    def is_finished(self) -> bool:
        """Every drive has answered."""
        return self.committed + len(self.faults) == self.drives


def newest_seen(faults: list[Fault]) -> int:
    """The newest version that a drive refused a write for, or 0."""
    return max((fault.newest for fault in faults if fault.code is FaultCode.STALE), default=0)


def failure(tally: Tally) -> Fault:
    """What to tell the client of a FAILED write.

    CONFLICT and STALE are kept only if no drive took the write and none is in doubt: otherwise a later read
    may find it and complete it. A rename that is open at the key is told first, because ending it is what
    helps. Where full drives made the difference that is told, because it is what an operator can mend: as
    FULL or FULL_UNKNOWN, by the same rule. NO_QUORUM with a `newest` may be tried again.
    """
    faults = tally.faults
    is_untouched = (
        tally.committed == 0 and len(faults) == tally.drives and all(fault.not_applied for fault in faults)
    )
    if any(fault.code is FaultCode.MOVED for fault in faults):
        code = FaultCode.MOVED if is_untouched else FaultCode.MOVED_UNKNOWN
        return Fault(code, "the slot of the key moves to another set")
    if any(fault.code is FaultCode.UNRESOLVED for fault in faults):
        code = FaultCode.UNRESOLVED if is_untouched else FaultCode.UNRESOLVED_UNKNOWN
        return Fault(code, "a rename is open at the key")
    for code in (FaultCode.CONFLICT, FaultCode.STALE):
        same = [fault for fault in faults if fault.code is code]
        if same and is_untouched:
            return Fault(code, f"{len(same)} of {tally.drives} drives have another version", _newest(same))
    full = sum(fault.code is FaultCode.FULL for fault in faults)
    if full and tally.drives - (len(faults) - full) >= tally.quorum:
        code = FaultCode.FULL if is_untouched else FaultCode.FULL_UNKNOWN
        return Fault(code, f"{full} of {tally.drives} drives are full: delete objects or add drives")
    reasons = ", ".join(sorted({fault.code.value for fault in faults}))
    left = tally.drives - len(faults)
    return Fault(
        FaultCode.NO_QUORUM,
        f"{left} of {tally.drives} drives left for a write that needs {tally.quorum} (others: {reasons})",
        tally.newest_seen,
    )


def _newest(faults: list[Fault]) -> int:
    return max(fault.newest for fault in faults)
