"""The lock clock of a set: what time it is for whoever judges a lock. Its rules are `rustfs_proto.lock_time`.

It stands in a row of its own on the drives of the set, written as every version is, and read at each start:
what a write quorum says counts, and while that cannot be told there is no time, so whatever depends on it is
refused. The row is written when somebody asks for the time for the first time, before they hear of it, and
from then on every `lock_clock_keep_s`; a set on which nobody ever locked anything writes nothing. A worker
that dies loses what it had counted since, which makes the clock late, never early.

Whoever writes the row compares. Where a second worker serves the same drives, both count on from the later
of the two, so neither can turn back what the other has written.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import structlog
import trio

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.conditional import Frames, commit_expecting
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.target import Target
from rustfs_node.erasureset.version import version_of
from rustfs_node.erasureset.write import inline_commits
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.lock_time import LockTime, period_begin_ms
from rustfs_proto.s3.names import LOCK_CLOCK_KEY as KEY
from rustfs_proto.s3.names import SYSTEM_BUCKET
from rustfs_proto.stamp import NO_STAMP
from rustfs_proto.wire.drive_ops import Commit, Lookup, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import LockTimeTold, ObjectInfo

log = structlog.get_logger()

_FIELD = "lock_time_ms"


@attrs.define(eq=False)
class LockClock:
    """What a worker knows of it. `stamp` is that of the row as it was read or written last; `is_unused`: it
    is certain that there was no row.
    """

    time: LockTime | None = None
    stamp: int = NO_STAMP
    is_unused: bool = False


async def lock_time_ms(state: SetState, trace: str = "") -> int:
    """The time. Raises `Fault` NO_QUORUM, or whatever keeps the row from being written, while there is
    none.
    """
    if state.lock_clock.time is None and not await _read(state, trace):
        await _begin(state, trace)
    return _look(state)


async def keep_lock_clock(state: SetState) -> None:
    """Read it as soon as that can be done; once it is used, write down again and again how late it is."""
    while True:
        clock, pause_s = state.lock_clock, state.settings.lock_clock_keep_s
        try:
            if clock.time is not None:
                await _write_down(state)
            elif not clock.is_unused:
                await _read(state)
        except Fault as fault:
            log.warning("lock_clock_not_kept", set=state.plan.name, reason=str(fault))
            pause_s = min(pause_s, state.settings.lookup_timeout_s)
        await trio.sleep(pause_s)


async def begin_lock_clock(state: SetState, now_ms: int, trace: str) -> None:
    """Let it begin at that time, by which locks were judged so far, or by the wall's where that is behind it.
    Nothing is done where it has begun already. Raises `Fault`.
    """
    if state.lock_clock.time is not None or await _read(state, trace):
        return
    async with state.locks.hold((SYSTEM_BUCKET, KEY)):
        if state.lock_clock.time is None:
            await _write(state, min(now_ms, state.clock.wall_ms()), NO_STAMP, trace)


def lock_time(state: SetState, request: Request) -> None:
    """Answer a `LockTime`."""
    state.answer_later(request, _tell)


async def _tell(state: SetState, request: Request) -> Reply:
    now_ms = await lock_time_ms(state, request.trace)
    return Reply(LockTimeTold(now_ms, period_begin_ms(now_ms, state.clock.wall_ms())))


def _look(state: SetState) -> int:
    assert state.lock_clock.time is not None
    return state.lock_clock.time.look(state.clock.monotonic_s(), state.clock.wall_ms())


async def _read(state: SetState, trace: str = "") -> bool:
    """Take over what the row says; False where there is none."""
    lookup = Lookup(Space.OBJECT, SYSTEM_BUCKET, KEY, want_inline=False)
    read = await resolve(state, lookup, trace)
    assert read.decision is not None
    if read.decision.verdict is Verdict.ABSENT:
        state.lock_clock.is_unused = state.lock_clock.time is None
        state.lock_clock.stamp = NO_STAMP
        return False
    version = await version_of(state, read, trace)
    text = version.meta.user.get(_FIELD, "")
    if not (text.isascii() and text.isdigit()):
        raise Fault(FaultCode.DAMAGED, f"the lock clock shows {text!r}, which is no time")
    _take_over(state, int(text), version.stamp)
    return True


def _take_over(state: SetState, row_ms: int, stamp: int) -> None:
    clock = state.lock_clock
    if clock.time is None:
        monotonic_s, share = state.clock.monotonic_s(), state.settings.lock_clock_catch_up_s_per_day
        clock.time = LockTime.begun(row_ms, monotonic_s, share)
        behind_s = (state.clock.wall_ms() - row_ms) // 1000
        log.info("lock_clock_runs", set=state.plan.name, wall_ahead_s=behind_s)
    else:
        clock.time.raise_to(row_ms)
    clock.stamp = max(clock.stamp, stamp)


async def _begin(state: SetState, trace: str) -> None:
    """Its first value is the wall's."""
    async with state.locks.hold((SYSTEM_BUCKET, KEY)):
        if state.lock_clock.time is None:
            await _write(state, state.clock.wall_ms(), NO_STAMP, trace)


async def _write_down(state: SetState) -> None:
    async with state.locks.hold((SYSTEM_BUCKET, KEY)):
        await _write(state, _look(state), state.lock_clock.stamp)


async def _write(state: SetState, now_ms: int, expect: int, trace: str = "") -> None:
    """Over the row with that stamp; where it is another, a worker beside this one, or a write of this one
    that nobody acknowledged, has come first, and what it says is taken over.
    """

    def build(stamp: int, expects: list[int]) -> tuple[Sequence[Commit | None], Frames]:
        info = ObjectInfo(user={_FIELD: str(now_ms)})
        return inline_commits(state, state.geometry, Target(SYSTEM_BUCKET, KEY), stamp, info, b"", expects)

    try:
        written = await commit_expecting(state, state.geometry, SYSTEM_BUCKET, KEY, expect, build, trace)
    except Fault as fault:
        if fault.code is not FaultCode.CONFLICT or not await _read(state, trace):
            raise
    else:
        # Durable from here on: a lock that was judged by it finds it again.
        _take_over(state, now_ms, written.stamp)
