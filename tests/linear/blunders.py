"""What loses data, said without any search: a write that was acknowledged and is gone, and a delete that was
acknowledged and whose object is back. Each is judged by one read and what was over before it began, so it
names what happened where the search only says that nothing fits. Both know less than the search does: what
they find is certain, and what they do not find may still be wrong.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from tests.linear.history import DELETES, WRITES, Kind, Op, Outcome

LOST = "lost write"
RESURRECTED = "resurrected delete"


def blunders(ops: Sequence[Op], *, versioned: bool) -> list[tuple[str, Op]]:
    """Which, and the reads that showed it."""
    told = [op for op in ops if op.outcome is Outcome.OK]
    reads = [op for op in told if op.kind is Kind.READ and op.status in (200, 404)]
    changes = [op for op in ops if not op.is_look and op.outcome is not Outcome.FAIL]
    erasures = [op for op in changes if op.kind is Kind.ERASE]
    made = {op.version: op.ended for op in told if op.kind in WRITES and op.version}
    found = [(RESURRECTED, op) for op in told if versioned and _was_erased(op, erasures, made)]
    if versioned and erasures:
        # What lay below may come up again.
        return found
    writes = {op.etag: op for op in changes if op.kind in WRITES}
    deletes = [op for op in changes if op.kind in DELETES or op.kind is Kind.ERASE]
    for read in reads:
        if read.status == 404:
            found += [(LOST, read)] if _is_missing(read, writes.values(), deletes) else []
            continue
        writer = writes.get(read.etag)
        ended = writer.ended if writer else math.inf
        if ended < _last_call(read, writes.values()):
            found.append((LOST, read))
        if ended < _last_call(read, deletes):
            found.append((RESURRECTED, read))
    return found


def _was_erased(op: Op, erasures: Sequence[Op], made: Mapping[str, float]) -> bool:
    """Whether it found a version that was there, and was taken away before."""
    if op.status != 200 or op.kind not in (Kind.READ, Kind.READ_VERSION, Kind.READ_TAG):
        return False
    name = op.version or op.asked
    made_at = made.get(name, math.inf)
    return any(one.asked == name and one.called > made_at and one.ended < op.called for one in erasures)


def _last_call(read: Op, changes: Collection[Op]) -> float:
    """Of the changes that were answered before the read was called."""
    return max((one.called for one in changes if one.ended < read.called), default=-math.inf)


def _is_missing(read: Op, writes: Collection[Op], deletes: Sequence[Op]) -> bool:
    """Whether nobody can have taken what the last write before the read put there."""
    called = _last_call(read, writes)
    return called > -math.inf and not any(one.ended >= called and one.called <= read.ended for one in deletes)
