"""Writes that expect a version, and whatever must take turns with them.

Under the lock of its key such a write finds out what is current, compares, and then tells each drive to
commit only if it still has exactly what it had a moment ago. The lock makes progress likely; the drives'
compare makes it safe: two such writes need two write quorums, which meet in a drive that takes only one.

That holds only of drives that had just what is current. One that had something newer may have it of a write
that is still under way at another worker, and would count for both. So such a drive gets the version only
after so many others have it that whatever it has can no longer come to a write quorum.

What is expected is the current version of the key, or where a write says more of a version, or removes it,
that very version.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence

import attrs
import trio
from msgspec.structs import replace

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.row_read import RowRead
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.target import target_of
from rustfs_node.erasureset.version import holders
from rustfs_node.erasureset.write import WatchedWrite, inline_commits, write_row
from rustfs_proto.erasure.decide import Verdict, quorum_to_say
from rustfs_proto.objects import Geometry, decode_head
from rustfs_proto.stamp import NO_STAMP
from rustfs_proto.versions import NULL_VERSION
from rustfs_proto.wire.drive_ops import Commit, LookedUp, Lookup, RowKind, RowState, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ANY_STAMP, PutDone, PutSmall

Frames = Sequence[tuple[bytes, ...]] | None
Build = Callable[[int, list[int]], tuple[Sequence[Commit | None], Frames]]
"""Makes the commits and frames, by slot, for a stamp and what each drive is to expect."""


@attrs.frozen
class _Compared:
    """What each drive is to expect, by slot. `in_doubt` are those that had something else than what is
    current; none of it gets to its quorum once `claim` others have what is to be written.
    """

    expects: list[int]
    in_doubt: frozenset[int] = frozenset()
    claim: int = 0


def on_every_drive(commit: Commit, expects: Sequence[int]) -> tuple[Sequence[Commit], Frames]:
    """The same row without bytes for all drives, each told what it is to expect."""
    return [replace(commit, expect=expect) for expect in expects], None


async def put_inline(state: SetState, request: Request) -> Reply:
    """Answer a `PutSmall` that expects a version, or whose key is locked."""
    message = request.message
    assert isinstance(message, PutSmall)
    body = request.frames[0] if request.frames else b""
    bucket, key = message.bucket, message.key
    geometry = state.geometry_of(message.info.storage_class)

    def build(stamp: int, expects: list[int]) -> tuple[Sequence[Commit | None], Frames]:
        target = target_of(state, bucket, key, message.versioning, stamp)
        return inline_commits(state, geometry, target, stamp, message.info, body, expects)

    await state.memory.taken(request, len(body))
    try:
        async with state.locks.hold((bucket, key)):
            written = await commit_expecting(
                state, geometry, bucket, key, message.expect, build, request.trace
            )
    finally:
        state.memory.give_back(len(body))
    return Reply(PutDone(written.stamp, written.sub))


async def commit_expecting(
    state: SetState,
    geometry: Geometry,
    bucket: str,
    key: bytes,
    expect: int,
    build: Build,
    trace: str = "",
    shards_needed: int | None = None,
    *,
    fresh: Collection[bytes] = (),
    sub: bytes | None = None,
    rename: bytes = b"",
) -> WatchedWrite:
    """Write an object's row if `expect` is current, or with `sub` if that version of the key has this stamp;
    the acknowledged write. The caller holds the key's lock. `geometry`, `shards_needed` and `fresh` as in
    `RowWrite`, `rename` as in `Lookup`.

    Raises `Fault` CONFLICT with the current stamp if it is another, and whatever keeps a write from its
    quorum.
    """
    await state.under_way.settled((bucket, key), state.settings.in_flight_wait_s)
    is_current = sub is None
    row = sub or NULL_VERSION
    lookup = Lookup(Space.OBJECT, bucket, key, row, want_inline=False, current=is_current, rename=rename)
    above = 0
    for retries_left in range(state.settings.retries, -1, -1):
        compared = _Compared([ANY_STAMP] * state.n)
        if expect != ANY_STAMP:
            compared = await _compare(state, lookup, expect, trace)
        stamp = state.new_stamp(max(above, *compared.expects))
        commits, frames = build(stamp, compared.expects)
        try:
            if not compared.in_doubt:
                return await write_row(state, geometry, commits, frames, trace, shards_needed, fresh)
            await _claim(state, geometry, commits, frames, compared, trace)
            return await _write_claimed(state, geometry, commits, frames, trace, shards_needed, fresh)
        except Fault as fault:
            if not retries_left or not _may_try_again(fault, expect):
                raise
            above = fault.newest
    raise AssertionError("unreachable: the last round raises or returns")


def _may_try_again(fault: Fault, expect: int) -> bool:
    """Nothing was applied: a drive changed between question and commit, so look again at what is current. Or
    nothing is expected, and a newer version came before this one on too many drives.
    """
    is_untouched = fault.code in {FaultCode.STALE, FaultCode.CONFLICT}
    return is_untouched or (expect == ANY_STAMP and fault.code is FaultCode.NO_QUORUM and bool(fault.newest))


async def _claim(
    state: SetState,
    geometry: Geometry,
    commits: Sequence[Commit | None],
    frames: Frames,
    compared: _Compared,
    trace: str,
) -> None:
    """Have the version on enough drives that were not in doubt: after that nothing else that is older can be
    acknowledged. They get the same commit again with all others.
    """
    sure = [None if slot in compared.in_doubt else commit for slot, commit in enumerate(commits)]
    await write_row(state, geometry, sure, frames, trace, shards_needed=0, quorum=compared.claim)


async def _write_claimed(
    state: SetState,
    geometry: Geometry,
    commits: Sequence[Commit | None],
    frames: Frames,
    trace: str,
    shards_needed: int | None,
    fresh: Collection[bytes],
) -> WatchedWrite:
    """Write to all drives what is on some of them."""
    try:
        return await write_row(state, geometry, commits, frames, trace, shards_needed, fresh)
    except Fault as fault:
        # Whatever these drives say, the claim was applied.
        raise Fault(FaultCode.NO_QUORUM, f"after its place was claimed: {fault.message}") from fault


async def finish_late(state: SetState, written: WatchedWrite, expected: int, trace: str) -> None:
    """Commit the version, which names bytes of the one with the stamp `expected`, on drives that had not
    committed that one yet when they were asked, and have now: without this the object would have shards less
    than before. Where it fails a heal note stands already.
    """
    await written.finished(state.settings.complete_wait_s)
    late = [slot for slot, newest in written.conflicts.items() if newest == expected]
    for slot in late:
        # The very commit that the others have: built once more, a version would get another name.
        commit, frames = written.sent(slot)
        with contextlib.suppress(Fault):
            await state.drives.write(slot, replace(commit, expect=expected), frames, trace)


async def _compare(state: SetState, lookup: Lookup, expect: int, trace: str) -> _Compared:
    """The newest stamp on each drive, after `expect` was found to be current."""
    read = await resolve(state, lookup, trace)
    decided = _require(read, expect)
    found: dict[int, LookedUp] = {}
    if read.lookup.current is not lookup.current:
        # Drives differ in which version is current. What they have must be known before it is found out once
        # more which one is: what comes after that is then noticed by them.
        await _ask_the_others(state, lookup, found, trace)
        _require(await resolve(state, lookup, trace), expect)
    else:
        assert read.decision is not None
        decided = read.decision.stamp
        found = {slot: answer for slot, (answer, _) in read.answers.items()}
        await _ask_the_others(state, lookup, found, trace)
        for slot in read.decision.complete_on:
            # It was given what was decided upon.
            del found[slot]
    expects = [found[slot].stamp if slot in found else decided for slot in range(state.n)]
    in_doubt = {
        slot: quorum_to_say(answer, state.k, state.m)
        for slot, answer in found.items()
        if answer.stamp != decided and not (expect == NO_STAMP and _is_gone(answer))
    }
    least = min(in_doubt.values(), default=state.write_quorum)
    return _Compared(expects, frozenset(in_doubt), state.n - least + 1)


def _is_gone(found: LookedUp) -> bool:
    """Whether the drive says that there is no such version."""
    is_removed = found.state == RowState.FOUND and found.kind == RowKind.TOMBSTONE
    return is_removed or found.state == RowState.ABSENT


def _require(read: RowRead, expect: int) -> int:
    """The current stamp, 0 for none; raises `Fault` CONFLICT where it is not the one expected."""
    decision = read.decision
    assert decision is not None
    current = decision.stamp if decision.verdict is Verdict.CURRENT else 0
    if current != expect and not (current and _came_as(read, expect)):
        text = f"the current version is {current or 'none'}, not {expect or 'none'}"
        raise Fault(FaultCode.CONFLICT, text, current)
    return current


def _came_as(read: RowRead, expect: int) -> bool:
    """Whether the version had that stamp in the set that it was moved from, where it was looked at before."""
    assert read.decision is not None
    origins = {
        decode_head(found.head).origin
        for _, (found, _) in holders(read, read.decision.stamp)
        if found.kind != RowKind.TOMBSTONE
    }
    return expect > 0 and expect in origins


async def _ask_the_others(state: SetState, lookup: Lookup, known: dict[int, LookedUp], trace: str) -> None:
    """Learn what the drives have that are not in `known`."""

    async def ask(slot: int) -> None:
        try:
            reply = await state.drives.read(slot, lookup, trace)
        except Fault:
            # It will hardly commit either; if it does, then only on top of the current version.
            return
        assert isinstance(reply.message, LookedUp)
        known[slot] = reply.message

    async with trio.open_nursery() as nursery:
        for slot in range(state.n):
            if slot not in known:
                nursery.start_soon(ask, slot)
