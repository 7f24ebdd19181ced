"""A stored zip archive: its directory is read by ranges and walked through, its members are read by ranges.

The directory is read for each request and kept for none. Walking through it and expanding members happens in
threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs

from rustfs_node.acceptor.block_reader import VersionSpan
from rustfs_node.acceptor.call import Call
from rustfs_node.acceptor.s3.versions import look_at
from rustfs_node.acceptor.span_reader import SpanBlocks, SpanReader
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_proto.objects import modified_ms_of
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.zip_access import is_directory, member_etag, spellings
from rustfs_proto.s3.zip_directory import (
    LOCAL_HEADER_BYTES,
    TAIL_BYTES,
    DirectoryScan,
    DirectorySpan,
    Member,
    content_offset,
    find_directory,
)


def _any(_: bytes) -> bool:
    return True


@attrs.frozen
class ZipArchive:
    """An object that is a zip archive, as one version of it is. `etag` and `modified_ms` are its members'."""

    call: Call
    reader: SpanReader
    directory: DirectorySpan
    etag: str
    modified_ms: int
    sub: bytes

    @classmethod
    async def open(cls, call: Call, key: str) -> ZipArchive:
        """The archive under that key, in the version that the request names; raises NoSuchKey or
        NoSuchVersion where there is no object, BadRequest where it is no archive or one with too large a
        directory, and `Fault`.
        """
        got = await look_at(attrs.evolve(call, key=key, key_bytes=key.encode()))
        size = got.head.size
        span = VersionSpan.of(call.bucket, key.encode(), got, 0, size)
        reader = SpanReader(call.sets, span, call.request_id)
        tail_bytes = min(size, TAIL_BYTES)
        directory = find_directory(await reader.read(size - tail_bytes, tail_bytes), size)
        _check_limits(directory, call.services.settings)
        etag = member_etag(got.head.etag)
        return cls(call, reader, directory, etag, modified_ms_of(got.head, got.stamp), got.sub)

    async def find(self, name: str) -> Member:
        """The member of that name, the last one where there are several; raises NoSuchKey."""
        found: list[Member] = []

        def take(member: Member) -> None:
            if member.name == name:
                found[:] = [member]

        await self.walk(take, spellings(name).__contains__)
        if not found or is_directory(found[0]):
            raise S3Error("NoSuchKey")
        return found[0]

    async def walk(self, take: Callable[[Member], None], keep: Callable[[bytes], bool] = _any) -> None:
        """Hand over every member whose name `keep` wants. Raises BadRequest or `Fault`."""
        scan = DirectoryScan(self.directory, self.call.services.settings.zip_entries_max, keep)

        def feed(block: bytes) -> None:
            for member in scan.feed(block):
                take(member)

        blocks = self.reader.blocks(self.directory.offset, self.directory.size)
        while block := await blocks.next():
            await self.call.services.body_tools.threads.run(partial(feed, block))
        scan.finish()

    async def content(self, member: Member, skip_bytes: int, length: int) -> SpanBlocks:
        """`length` of the bytes that stand in the archive of the member, behind the first `skip_bytes`.
        Raises BadRequest or `Fault`.
        """
        header = await self.reader.read(member.header_offset, LOCAL_HEADER_BYTES)
        offset = content_offset(member, header) + skip_bytes
        return self.reader.blocks(offset, max(min(length, self.directory.offset - offset), 0))


def _check_limits(directory: DirectorySpan, settings: AcceptorSettings) -> None:
    for what, found, limit in (
        ("bytes", directory.size, settings.zip_directory_bytes_max),
        ("members", directory.entries, settings.zip_entries_max),
    ):
        if found > limit:
            text = f"The directory of the zip archive has {found} {what}, at most {limit} are read."
            raise S3Error("BadRequest", text)
