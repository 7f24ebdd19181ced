"""Writes that expect a version, and whatever must take turns with them.

Under the lock of its key such a write finds out what is current, compares, and then tells each drive to
commit only if it still has exactly what it had a moment ago. The lock makes progress likely; the drives'
compare makes it safe: two such writes need two write quorums, which meet in a drive that takes only one.

What is expected is the current version of the key, or where a write says more of a version, or removes it,
that very version.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence

import trio
from msgspec.structs import replace

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.row_read import RowRead
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.target import target_of
from rustfs_node.erasureset.write import WatchedWrite, inline_commits, write_row
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.objects import Geometry
from rustfs_proto.versions import NULL_VERSION
from rustfs_proto.wire.drive_ops import Commit, LookedUp, Lookup, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ANY_STAMP, PutDone, PutSmall

Frames = Sequence[tuple[bytes, ...]] | None
Build = Callable[[int, list[int]], tuple[Sequence[Commit | None], Frames]]
"""Makes the commits and frames, by slot, for a stamp and what each drive is to expect."""


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
        expects = [ANY_STAMP] * state.n
        if expect != ANY_STAMP:
            expects = await _compare(state, lookup, expect, trace)
        stamp = state.new_stamp(max(above, *expects))
        commits, frames = build(stamp, expects)
        try:
            return await write_row(state, geometry, commits, frames, trace, shards_needed, fresh)
        except Fault as fault:
            # Nothing was applied: a drive changed between question and commit, so look again at what is
            # current.
            if fault.code not in {FaultCode.STALE, FaultCode.CONFLICT} or not retries_left:
                raise
            above = fault.newest
    raise AssertionError("unreachable: the last round raises or returns")


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


async def _compare(state: SetState, lookup: Lookup, expect: int, trace: str) -> list[int]:
    """The newest stamp on each drive, after `expect` was found to be current."""
    read = await resolve(state, lookup, trace)
    current = _require(read, expect)
    if read.lookup.current is not lookup.current:
        # Drives differ in which version is current. What they have must be known before it is found out once
        # more which one is: what comes after that is then noticed by them.
        newest: dict[int, int] = {}
        await _ask_the_others(state, lookup, newest, trace)
        _require(await resolve(state, lookup, trace), expect)
        return [newest.get(slot, current) for slot in range(state.n)]
    assert read.decision is not None
    newest = {slot: found.stamp for slot, (found, _) in read.answers.items()}
    newest |= dict.fromkeys(read.decision.complete_on, read.decision.stamp)
    await _ask_the_others(state, lookup, newest, trace)
    return [newest.get(slot, read.decision.stamp) for slot in range(state.n)]


def _require(read: RowRead, expect: int) -> int:
    """The current stamp, 0 for none; raises `Fault` CONFLICT where it is not the one expected."""
    decision = read.decision
    assert decision is not None
    current = decision.stamp if decision.verdict is Verdict.CURRENT else 0
    if current != expect:
        text = f"the current version is {current or 'none'}, not {expect or 'none'}"
        raise Fault(FaultCode.CONFLICT, text, current)
    return current


async def _ask_the_others(state: SetState, lookup: Lookup, newest: dict[int, int], trace: str) -> None:
    """Learn what the drives have that are not in `newest`."""

    async def ask(slot: int) -> None:
        try:
            reply = await state.drives.read(slot, lookup, trace)
        except Fault:
            # It will hardly commit either; if it does, then only on top of the current version.
            return
        assert isinstance(reply.message, LookedUp)
        newest[slot] = reply.message.stamp

    async with trio.open_nursery() as nursery:
        for slot in range(state.n):
            if slot not in newest:
                nursery.start_soon(ask, slot)
