"""RemoveVersions: certain versions of keys are removed for good.

Under the lock of the key the version is looked at, and its tombstone is committed by the drives that still
have exactly this record of it: whatever was decided by what it says, its object lock above all, holds when it
goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.conditional import Frames, commit_expecting, on_every_drive
from rustfs_node.erasureset.delete import RowRemoval
from rustfs_node.erasureset.lock_check import refuse_locked
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.together import outcomes_of
from rustfs_node.erasureset.version import Version, version_of
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.versions import is_sub
from rustfs_proto.wire.drive_ops import Commit, Lookup, RowKind, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ANY_STAMP, DELETE_KEYS_MAX, RemoveVersions, VersionsRemoved

_Removed = tuple[int, bool]
"""The stamp of the tombstone, 0 where nothing was there; and whether it was a delete marker."""


def remove_versions(state: SetState, request: Request) -> None:
    """Answer a `RemoveVersions`."""
    message = request.message
    assert isinstance(message, RemoveVersions)
    if len(message.versions) > DELETE_KEYS_MAX:
        request.fail(Fault(FaultCode.INVALID, f"{len(message.versions)} versions, at most {DELETE_KEYS_MAX}"))
    elif message.expects and len(message.expects) != len(message.versions):
        text = (
            f"{len(message.expects)} stamps for {len(message.versions)} versions: send one for each, or none"
        )
        request.fail(Fault(FaultCode.INVALID, text))
    elif not all(is_sub(sub) for _, sub in message.versions):
        request.fail(Fault(FaultCode.INVALID, "no version of a key is called so"))
    else:
        state.answer_later(request, _remove_versions)


async def _remove_versions(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, RemoveVersions)
    expects = message.expects or (ANY_STAMP,) * len(message.versions)
    works = [
        partial(_remove, state, message, key, sub, expect, request.trace)
        for (key, sub), expect in zip(message.versions, expects, strict=True)
    ]
    outcomes = await outcomes_of(works, state.settings.delete_concurrency)
    removed = [(0, False) if isinstance(outcome, Fault) else outcome for outcome in outcomes]
    return Reply(
        VersionsRemoved(
            tuple(stamp for stamp, _ in removed),
            tuple(outcome.code.value if isinstance(outcome, Fault) else "" for outcome in outcomes),
            tuple(was_marker for _, was_marker in removed),
        )
    )


async def _remove(
    state: SetState, message: RemoveVersions, key: bytes, sub: bytes, expect: int, trace: str
) -> _Removed:
    lookup = Lookup(Space.OBJECT, message.bucket, key, sub, want_inline=False)
    bypass = message.bypass_governance
    async with state.locks.hold((message.bucket, key)):
        for retries_left in range(state.settings.retries, -1, -1):
            read = await resolve(state, lookup, trace)
            assert read.decision is not None
            if read.decision.verdict is Verdict.ABSENT:
                return await _remove_nothing(state, lookup, expect, trace)
            version = await version_of(state, read, trace)
            _check(version, expect)
            await refuse_locked(state, version.meta.lock, bypass_governance=bypass, trace=trace)
            try:
                return await _bury(state, lookup, version, trace), version.is_marker
            except Fault as fault:
                # It was changed in between, and nothing was done: look at it again.
                if fault.code is not FaultCode.CONFLICT or expect != ANY_STAMP or not retries_left:
                    raise
    raise AssertionError("unreachable: the last round raises or returns")


def _check(version: Version, expect: int) -> None:
    if expect not in (ANY_STAMP, version.stamp, version.head.origin or version.stamp):
        text = f"the version has stamp {version.stamp}, not {expect}"
        raise Fault(FaultCode.CONFLICT, text, version.stamp)


async def _remove_nothing(state: SetState, lookup: Lookup, expect: int, trace: str) -> _Removed:
    """Readers find no such version. But a write that nobody acknowledged may have left some of it."""
    if expect != ANY_STAMP:
        raise Fault(FaultCode.CONFLICT, "there is no such version")
    answered: Answer[int | Fault] = Answer()
    RowRemoval(state, Space.OBJECT, lookup.bucket, lookup.key, lookup.sub, answered.set).start(trace)
    outcome = await answered.wait()
    if isinstance(outcome, Fault):
        raise outcome
    return outcome, False


async def _bury(state: SetState, lookup: Lookup, version: Version, trace: str) -> int:
    bucket, key, sub = lookup.bucket, lookup.key, lookup.sub

    def build(stamp: int, expects: list[int]) -> tuple[Sequence[Commit | None], Frames]:
        return on_every_drive(Commit(Space.OBJECT, bucket, key, stamp, RowKind.TOMBSTONE, sub), expects)

    written = await commit_expecting(state, state.geometry, bucket, key, version.stamp, build, trace, sub=sub)
    return written.stamp
