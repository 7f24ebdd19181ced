"""Get: the current version of a key, or a certain one, with the first block of the bytes asked for.

The short way is a callback: a write quorum of drives agrees on a settled version, their fragments of an
inline object are verified and joined. Whatever is not that simple (drives disagree, a fragment is damaged,
the version is only on some drives) is handed to a task with the answers so far.
"""

from __future__ import annotations

from functools import partial

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.block_read import BlockRead
from rustfs_node.erasureset.resolve import resolve, settle_again
from rustfs_node.erasureset.row_read import RowRead
from rustfs_node.erasureset.state import SetState, codec_of
from rustfs_node.erasureset.version import Version, inline_fragments, is_inline, verified, version_of
from rustfs_node.erasureset.versions import ReadableVersion
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.erasure.geometry import resolve_span, stripe_end
from rustfs_proto.objects import decode_head, decode_meta, written_of
from rustfs_proto.versions import NULL_VERSION
from rustfs_proto.wire.drive_ops import Lookup, RowKind, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import Get, Got


def get(state: SetState, request: Request) -> None:
    """Answer a `Get`."""
    message = request.message
    assert isinstance(message, Get)
    span = message.span
    if span.first < 0 or span.last < -1 or span.suffix < -1:
        request.fail(Fault(FaultCode.INVALID, f"{span} is no span"))
        return
    RowRead(
        state, _lookup(message), lambda read: _decided(state, request, message, read), request.trace
    ).start()


def _lookup(message: Get) -> Lookup:
    is_current = message.sub is None
    sub = message.sub or NULL_VERSION
    return Lookup(
        Space.OBJECT, message.bucket, message.key, sub, want_inline=message.want_data, current=is_current
    )


def _decided(state: SetState, request: Request, message: Get, read: RowRead) -> None:
    decision = read.decision
    assert decision is not None
    if read.is_wide:
        state.answer_later(request, partial(_get_the_long_way, first=read))
    elif decision.verdict is Verdict.ABSENT:
        request.fail(no_such_key())
    elif decision.verdict is Verdict.BARRED:
        request.fail(read.barred())
    else:
        if state.settler.marks and not all(found.on_quorum for found, _ in read.answers.values()):
            settle_again(state, read)
        _answer(state, request, message, read)


def _answer(state: SetState, request: Request, message: Get, read: RowRead) -> None:
    """The drives agree."""
    looked_up, _ = next(iter(read.answers.values()))
    head, meta = decode_head(looked_up.head), decode_meta(looked_up.meta)
    span = message.span
    offset, length = resolve_span(head.size, span.first, span.last, span.suffix)
    is_marker = looked_up.kind == RowKind.MARKER
    got = Got(looked_up.stamp, head, meta, offset, length, read.sub, is_marker)
    if not message.want_data or not length:
        request.reply(got)
    elif not is_inline(meta):
        _answer_from_files(state, request, got)
    else:
        fragments = {found[0].shard: verified(found) for found in read.answers.values()}
        intact = {shard: fragment for shard, fragment in fragments.items() if fragment is not None}
        if len(intact) < meta.geometry.k:
            state.answer_later(request, partial(_get_the_long_way, first=read))
            return
        body = codec_of(meta.geometry).decode(intact, head.size)
        request.reply(got, (_cut(body, offset, length),))


def _cut(body: bytes, offset: int, length: int) -> bytes:
    return body if length == len(body) else body[offset : offset + length]


def _answer_from_files(state: SetState, request: Request, got: Got) -> None:
    """The first block is read from shard files, or nothing where it is not wanted."""
    message = request.message
    assert isinstance(message, Get)
    version = remember(state, message, got)
    if not message.from_files:
        request.reply(got)
        return
    size_bytes = version.read_bytes

    def done(outcome: bytes | Fault) -> None:
        state.memory.give_back(size_bytes)
        if not isinstance(outcome, Fault):
            request.reply(got, (outcome,))
        elif outcome.code is FaultCode.NOT_FOUND:
            state.answer_later(request, partial(_get_the_long_way, gone_stamp=got.stamp))
        else:
            request.fail(outcome)

    def go(fault: Fault | None) -> None:
        if fault is not None:
            request.fail(fault)
        else:
            BlockRead(state, done).start(version, got.offset, first_block_bytes(got), request.trace)

    state.memory.take(size_bytes, request.deadline, go, is_here=False)


def no_such_key() -> Fault:
    """The answer for a key without a current version."""
    return Fault(FaultCode.NOT_FOUND, "no such key")


def first_block_bytes(got: Got) -> int:
    """How much of the span comes with the answer: up to the end of the stripe it begins in."""
    end = stripe_end(got.meta.parts, got.meta.geometry.stripe_bytes, got.offset)
    return min(got.length, end - got.offset)


def remember(state: SetState, message: Get, got: Got) -> ReadableVersion:
    """Keep a version at hand for the blocks that will be asked for."""
    version = ReadableVersion(message.bucket, message.key, written_of(got.head, got.stamp), got.meta)
    state.versions.put(version)
    return version


async def _get_the_long_way(
    state: SetState, request: Request, first: RowRead | None = None, gone_stamp: int = 0
) -> Reply:
    """Drives differ, or what they gave is damaged, or the files of version `gone_stamp` are on no drive."""
    message = request.message
    assert isinstance(message, Get)
    lookup = _lookup(message)
    state.degraded_reads += 1
    while True:
        read = await resolve(state, lookup, request.trace, first)
        assert read.decision is not None
        if read.decision.verdict is Verdict.ABSENT:
            raise no_such_key()
        if read.decision.stamp == gone_stamp:
            # Nothing has replaced it: this is a loss, and must not be told as if nobody had stored anything.
            state.heal_notes.note(message.bucket, message.key)
            raise Fault(FaultCode.NO_QUORUM, f"no drive has the shard files of version {gone_stamp}")
        try:
            return await _read_resolved(state, request, message, read)
        except Fault as fault:
            if fault.code is not FaultCode.NOT_FOUND:
                raise
            # Replaced or removed since it was looked up: each round meets a newer version, or ends.
            first, gone_stamp = None, read.decision.stamp


async def _read_resolved(state: SetState, request: Request, message: Get, read: RowRead) -> Reply:
    version = await version_of(state, read, request.trace)
    got = _got(version, message)
    if not message.want_data or not got.length:
        return Reply(got)
    if is_inline(got.meta):
        fragments = await inline_fragments(state, read, got.meta, request.trace)
        body = codec_of(got.meta.geometry).decode(fragments, got.head.size)
        return Reply(got, (_cut(body, got.offset, got.length),))
    readable = remember(state, message, got)
    if not message.from_files:
        return Reply(got)
    return Reply(got, (await read_range(state, request, readable, got.offset, first_block_bytes(got)),))


def _got(version: Version, message: Get) -> Got:
    head, meta, span = version.head, version.meta, message.span
    offset, length = resolve_span(head.size, span.first, span.last, span.suffix)
    return Got(version.stamp, head, meta, offset, length, version.sub, version.is_marker)


async def read_range(
    state: SetState, request: Request, version: ReadableVersion, offset: int, length: int
) -> bytes:
    """`BlockRead` for a task that serves `request`. Raises `Fault`."""
    answered: Answer[bytes | Fault] = Answer()
    await state.memory.taken(request, version.read_bytes, is_here=False)
    try:
        BlockRead(state, answered.set).start(version, offset, length, request.trace)
        outcome = await answered.wait()
    finally:
        state.memory.give_back(version.read_bytes)
    if isinstance(outcome, Fault):
        raise outcome
    return outcome
