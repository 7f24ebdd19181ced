"""The answer to a row read, for tasks: with patience for unfinished writes, and with half-written versions
completed first.

A version that was decided upon but is on fewer than a write quorum of drives is written to the others before
anybody hears of it: a later read that meets other drives must not go back behind it. A write of this very
worker that is still under way is waited for instead.
"""

from __future__ import annotations

import structlog

from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.row_read import RowRead
from rustfs_node.erasureset.shard_copy import copy_version
from rustfs_node.erasureset.state import SetState
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.wire.drive_ops import Commit, LookedUp, Lookup, RowState, Space
from rustfs_proto.wire.faults import Fault, FaultCode

log = structlog.get_logger()


async def resolve(state: SetState, lookup: Lookup, trace: str = "", first: RowRead | None = None) -> RowRead:
    """A read whose decision is CURRENT or ABSENT and may be answered. Raises `Fault` NO_QUORUM.

    `first` is a read that was made already.
    """
    read = first or await read_row(state, lookup, trace)
    if _is_final(read):
        _settle_again(state, read)
        return read
    # What was asked first may be old news: a write may have been settled between two drives' answers.
    read = await _read_steadily(state, read, trace)
    decision = read.decision
    assert decision is not None
    if decision.verdict is Verdict.UNREADABLE:
        text = f"{state.drives.reachable} of {state.n} drives answer, too few to tell the newest version"
        raise Fault(FaultCode.NO_QUORUM, text)
    if decision.complete_on and not _ends_upload(read):
        await _complete(state, read, trace)
    return read


async def _read_steadily(state: SetState, read: RowRead, trace: str) -> RowRead:
    """A later read, after writes of this worker that are under way, that may be believed: it passes nothing
    over, or it heard from each drive what the read before it did, so that between the two all of them had
    just that.
    """
    name = (read.lookup.bucket, read.lookup.key)
    for _ in range(state.settings.steady_reads):
        before = read
        if state.under_way.has(name):
            await state.under_way.settled(name, state.settings.in_flight_wait_s)
        read = await read_row(state, read.lookup, trace)
        assert read.decision is not None
        if not read.decision.passes_over or _has_heard_the_same(before, read):
            return read
    raise Fault(FaultCode.NO_QUORUM, "the key is written too often for its drives to be seen at one moment")


def _has_heard_the_same(before: RowRead, after: RowRead) -> bool:
    """Whether every drive that the later one heard told the earlier one the same."""
    return all(
        slot in before.answers and _told(before.answers[slot][0]) == _told(found)
        for slot, (found, _) in after.answers.items()
    )


def _told(found: LookedUp) -> tuple[object, ...]:
    return found.state, found.stamp, found.priors, found.evidence


async def read_row(state: SetState, lookup: Lookup, trace: str = "") -> RowRead:
    """One read, as a task waits for it."""
    answered: Answer[RowRead] = Answer()
    RowRead(state, lookup, answered.set, trace).start()
    return await answered.wait()


def _is_final(read: RowRead) -> bool:
    decision = read.decision
    assert decision is not None
    if decision.complete_on or decision.passes_over:
        return False
    return decision.verdict in {Verdict.CURRENT, Verdict.ABSENT}


def _settle_again(state: SetState, read: RowRead) -> None:
    """Drives that still list older versions missed the notice that the newest is settled: tell them again,
    lest each read of the key asks all drives for ever.
    """
    decision, lookup = read.decision, read.lookup
    assert decision is not None
    newest = [found for found, _ in read.answers.values() if found.stamp == decision.stamp]
    whole = sum(found.state == RowState.FOUND and not found.no_files for found in newest)
    if whole >= state.write_quorum and any(found.priors for found in newest):
        commit = Commit(lookup.space, lookup.bucket, lookup.key, decision.stamp, newest[0].kind, lookup.sub)
        state.settler.add(commit, complete=False)


def _ends_upload(read: RowRead) -> bool:
    """A drive that lacks the end of a completed upload may lack the object too, and then the rows of the
    parts are all that keeps its shards: they are the healer's to judge.
    """
    assert read.decision is not None
    return read.lookup.space == Space.UPLOAD and read.decision.verdict is Verdict.ABSENT


async def _complete(state: SetState, read: RowRead, trace: str) -> None:
    """Write the version to the drives that lack it. Where that fails the answer stands all the same: it is
    the newest there is, and refusing it would make a drive that fails during a write a failure of every read.
    """
    assert read.decision is not None
    for slot in read.decision.complete_on:
        try:
            await copy_version(state, read, slot, trace)
        except Fault as fault:
            log.warning("version_not_completed", slot=slot, stamp=read.decision.stamp, reason=str(fault))
