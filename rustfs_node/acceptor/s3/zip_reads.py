"""GetObject, HeadObject and ListObjectsV2 within zip archives, where x-minio-extract asks for it.

A member is expanded while it is sent and compared with its CRC-32 before its last bytes go: a small one that
is damaged is answered by an error, a large one by a connection that is cut. A range of a compressed member is
expanded from the member's beginning; one of a member that is not compressed is read by itself, and then there
is nothing to compare it with.
"""

from __future__ import annotations

from functools import partial

from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.net.messages import Response, StreamBroken
from rustfs_node.acceptor.s3 import listing, reads
from rustfs_node.acceptor.s3.conditional import refuse_version
from rustfs_node.acceptor.s3.zip_archive import ZipArchive
from rustfs_node.acceptor.span_reader import SpanBlocks
from rustfs_node.seams.threads import Threads
from rustfs_proto.s3.conditions import check_read, range_applies
from rustfs_proto.s3.content_types import content_type_of
from rustfs_proto.s3.errors import S3Error, not_implemented
from rustfs_proto.s3.headers import object_headers, response_overrides
from rustfs_proto.s3.listing import parse_list_objects_v2
from rustfs_proto.s3.ranges import ByteRange, parse_range
from rustfs_proto.s3.xml_listings import ObjectsPage, list_objects_v2
from rustfs_proto.s3.zip_access import MemberKey, MemberListing, member_key
from rustfs_proto.s3.zip_directory import Member
from rustfs_proto.s3.zip_member import MemberBytes, check_readable, is_stored
from rustfs_proto.wire.faults import Fault

_PIECE_BYTES = 256 * 1024


async def get_object(call: Call) -> Response:
    """The bytes of the object, or of a member of an archive."""
    named = member_key(call.headers, call.key)
    if named is None:
        return await reads.get_object(call)
    slot = _take_slot(call)
    try:
        archive, member, response, span = await _answer(call, named)
        stream = await MemberStream.open(call, archive, member, span, slot)
        # What is wrong with the first piece can still be answered.
        await stream.load()
    # Whatever ended it, the next request must find the slot free.
    except BaseException:
        slot.give_back()
        raise
    response.stream = stream
    return response


async def head_object(call: Call) -> Response:
    """The same without the bytes."""
    named = member_key(call.headers, call.key)
    if named is None:
        return await reads.head_object(call)
    slot = _take_slot(call)
    try:
        return (await _answer(call, named))[2]
    finally:
        slot.give_back()


async def list_objects_2(call: Call) -> Response:
    """A page of the bucket's keys, or of the members of the archive in which the prefix ends. Where there is
    no such archive, there are no keys below it.
    """
    named = member_key(call.headers, call.params.get("prefix", ""))
    if named is None:
        return await listing.list_objects_2(call)
    query = parse_list_objects_v2(call.params)
    found = MemberListing(named.archive, query)
    slot = _take_slot(call)
    try:
        archive = await ZipArchive.open(call, named.archive)
        await archive.walk(found.add)
        owner = call.services.owner if query.fetch_owner else None
        page = found.page(archive.etag, archive.modified_ms, owner)
    except S3Error as error:
        if error.code != "NoSuchKey":
            raise
        page = ObjectsPage()
    finally:
        slot.give_back()
    return Response(200, list(XML_HEADERS), list_objects_v2(call.bucket, query, page))


async def _answer(call: Call, named: MemberKey) -> tuple[ZipArchive, Member, Response, ByteRange]:
    """The member, the head of the answer and which bytes it is about. Raises NoSuchKey and what conditions
    and ranges raise.
    """
    refuse_version(call)
    if "partNumber" in call.params:
        raise not_implemented("Reading a part of a member of a zip archive")
    archive = await ZipArchive.open(call, named.archive)
    member = await archive.find(named.name)
    check_readable(member, archive.directory)
    etag, modified_ms = archive.etag, archive.modified_ms
    check_read(call.headers, etag=etag, modified_ms=modified_ms)
    headers = object_headers(
        etag=etag,
        modified_ms=modified_ms,
        content={"content-type": content_type_of(member.name)},
        user={},
        overrides=response_overrides(call.params, is_signed=True),
    )
    wanted = call.headers.get("range")
    span = None
    if wanted is not None and range_applies(call.headers, etag=etag, modified_ms=modified_ms):
        span = parse_range(wanted, member.size)
    if span is None:
        return archive, member, Response(200, headers, length=member.size), ByteRange(0, member.size)
    headers.append((b"content-range", span.content_range(member.size).encode()))
    return archive, member, Response(206, headers, length=span.length), span


class _Slot:
    """The right to work on an archive; giving it back twice does nothing."""

    def __init__(self, call: Call) -> None:
        self._slots = call.services.zip_reads
        self._is_held = True
        self._slots.acquire_nowait()

    def give_back(self) -> None:
        if self._is_held:
            self._is_held = False
            self._slots.release()


def _take_slot(call: Call) -> _Slot:
    if call.services.zip_reads.value == 0:
        raise S3Error("SlowDown", "As many zip archives are being read as may be; try again later.")
    return _Slot(call)


class MemberStream:
    """The bytes `span` of a member as the rest of an answer; see `Blocks`. One piece is held."""

    def __init__(self, threads: Threads, slot: _Slot, blocks: SpanBlocks, span: ByteRange) -> None:
        """`span` of what `blocks` have, or of the member that they are expanded to."""
        self._threads = threads
        self._slot = slot
        self._blocks = blocks
        self._expanded: MemberBytes | None = None
        self._skip_bytes, self._left_bytes = span.offset, span.length
        self._piece = memoryview(b"")

    @classmethod
    async def open(
        cls, call: Call, archive: ZipArchive, member: Member, span: ByteRange, slot: _Slot
    ) -> MemberStream:
        """Raises BadRequest or `Fault`."""
        threads = call.services.body_tools.threads
        if is_stored(member) and span.length < member.size:
            blocks = await archive.content(member, span.offset, span.length)
            return cls(threads, slot, blocks, ByteRange(0, span.length))
        stream = cls(threads, slot, await archive.content(member, 0, member.compressed_bytes), span)
        stream._expanded = MemberBytes(member)
        return stream

    async def ready(self) -> bool:
        """Wait for bytes to send; False at the end. Raises `StreamBroken`."""
        try:
            return await self.load()
        except (S3Error, Fault) as error:
            raise StreamBroken(str(error)) from error

    async def load(self) -> bool:
        """The same, raising what is wrong as it is."""
        while not self._piece and self._left_bytes:
            piece = memoryview(await self._next_piece())
            skipped = min(self._skip_bytes, len(piece))
            self._skip_bytes -= skipped
            self._piece = piece[skipped : skipped + self._left_bytes]
            self._left_bytes -= len(self._piece)
        return bool(self._piece)

    def take(self) -> memoryview:
        """The bytes that are ready."""
        return self._piece

    def sent(self, size_bytes: int) -> None:
        """So many of them are sent."""
        self._piece = self._piece[size_bytes:]

    def close(self) -> None:
        """Nothing more is wanted."""
        self._piece, self._left_bytes = memoryview(b""), 0
        self._slot.give_back()

    async def _next_piece(self) -> bytes:
        if self._expanded is None:
            return await self._next_block()
        while not (piece := await self._threads.run(partial(self._expanded.take, _PIECE_BYTES))):
            self._expanded.put(await self._next_block())
        return piece

    async def _next_block(self) -> bytes:
        block = await self._blocks.next()
        if not block:
            raise S3Error("BadRequest", "The member of the zip archive ends before it is complete.")
        return block
