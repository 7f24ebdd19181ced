"""ReadBlock: bytes of one version, for a download under way."""

from __future__ import annotations

import trio

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.block_read import BlockRead
from rustfs_node.erasureset.read import read_range
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.row_read import Found
from rustfs_node.erasureset.state import SetState, codec_of
from rustfs_node.erasureset.version import has_fragments, inline_fragments, verified, version_of
from rustfs_node.erasureset.versions import ReadableVersion
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.erasure.geometry import voters_needed
from rustfs_proto.objects import ObjectMeta, decode_meta, written_of
from rustfs_proto.wire.drive_ops import LookedUp, Lookup, RowKind, RowState, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import Block, ReadBlock


def read_block(state: SetState, request: Request) -> None:
    """Answer a `ReadBlock`."""
    message = request.message
    assert isinstance(message, ReadBlock)
    length_max = state.settings.block_stripes_max * state.geometry.stripe_bytes
    if not 0 < message.length <= length_max or message.offset < 0 or message.stamp <= 0:
        text = f"bytes {message.offset}+{message.length} of version {message.stamp}"
        request.fail(Fault(FaultCode.INVALID, text))
        return
    version = state.versions.get(message.bucket, message.key, message.stamp)
    if version is None:
        state.answer_later(request, _read_unknown)
    elif not _is_within(version, message):
        request.fail(_outside(version, message))
    else:
        _read(state, request, message, version)


def _read(state: SetState, request: Request, message: ReadBlock, version: ReadableVersion) -> None:
    size_bytes = max(version.read_bytes, message.length)

    def done(outcome: bytes | Fault) -> None:
        state.memory.give_back(size_bytes)
        if isinstance(outcome, Fault) and outcome.code is FaultCode.NOT_FOUND:
            state.versions.forget(version)
            state.answer_later(request, _read_unknown)
        elif isinstance(outcome, Fault):
            request.fail(outcome)
        else:
            request.reply(Block(), (outcome,))

    def go(fault: Fault | None) -> None:
        if fault is not None:
            request.fail(fault)
        else:
            BlockRead(state, done).start(version, message.offset, message.length, request.trace)

    state.memory.take(size_bytes, request.deadline, go, is_here=False)


async def _read_unknown(state: SetState, request: Request) -> Reply:
    """The version is not remembered: this worker was restarted, many other objects were read since, or what
    was remembered is not there any more.
    """
    message = request.message
    assert isinstance(message, ReadBlock)
    lookup = Lookup(Space.OBJECT, message.bucket, message.key, message.sub, message.stamp)
    try:
        found = await _ask_all(state, lookup, request.trace)
        meta = decode_meta(found[0][0].meta)
        fragments = _intact(found)
        if has_fragments(meta) and len(fragments) < meta.geometry.k:
            text = f"{len(fragments)} of {meta.geometry.k} needed shards can be read"
            raise Fault(FaultCode.NO_QUORUM, text)
    except Fault as fault:
        meta, fragments = await _as_amended(state, message, fault, request.trace)
    version = ReadableVersion(message.bucket, message.key, message.stamp, meta)
    if not _is_within(version, message):
        raise _outside(version, message)
    if has_fragments(meta):
        body = codec_of(meta.geometry).decode(fragments, meta.parts[0].size)
        return Reply(Block(), (body[message.offset : message.offset + message.length],))
    state.versions.put(version)
    return Reply(Block(), (await read_range(state, request, version, message.offset, message.length),))


async def _as_amended(
    state: SetState, message: ReadBlock, fault: Fault, trace: str
) -> tuple[ObjectMeta, dict[int, bytes]]:
    """The version is not there, or not any more on enough drives: the current one may be an amendment of it,
    with the same bytes. Raises `fault` where it is not.
    """
    read = await resolve(state, Lookup(Space.OBJECT, message.bucket, message.key, message.sub), trace)
    assert read.decision is not None
    if read.decision.verdict is Verdict.ABSENT:
        raise fault
    version = await version_of(state, read, trace)
    meta = version.meta
    if written_of(version.head, version.stamp) != message.stamp:
        raise fault
    return meta, await inline_fragments(state, read, meta, trace) if has_fragments(meta) else {}


async def _ask_all(state: SetState, lookup: Lookup, trace: str) -> list[Found]:
    """The answers of all drives that have exactly this version. Raises `Fault` where none has."""
    found: list[Found] = []
    absent = 0

    async def ask(slot: int) -> None:
        nonlocal absent
        try:
            reply = await state.drives.read(slot, lookup, trace)
        except Fault:
            # Silent drives are told from those that lack the version by the count below.
            return
        assert isinstance(reply.message, LookedUp)
        if reply.message.state == RowState.FOUND and reply.message.kind == RowKind.VALUE:
            found.append((reply.message, reply.frames))
        else:
            absent += 1

    async with trio.open_nursery() as nursery:
        for slot in range(state.n):
            nursery.start_soon(ask, slot)
    if found:
        return found
    if absent >= voters_needed(state.k, state.m):
        raise Fault(FaultCode.NOT_FOUND, "this version is gone")
    raise Fault(FaultCode.NO_QUORUM, f"{absent} of {state.n} drives answer")


def _intact(found: list[Found]) -> dict[int, bytes]:
    """The inline shards, by number."""
    fragments = {answer[0].shard: verified(answer) for answer in found}
    return {shard: fragment for shard, fragment in fragments.items() if fragment is not None}


def _is_within(version: ReadableVersion, message: ReadBlock) -> bool:
    return message.offset + message.length <= sum(part.size for part in version.meta.parts)


def _outside(version: ReadableVersion, message: ReadBlock) -> Fault:
    size = sum(part.size for part in version.meta.parts)
    return Fault(FaultCode.INVALID, f"bytes {message.offset}+{message.length} of a version of {size} bytes")
