"""PutObject that extracts: the body is a tar archive, and each of its files becomes an object.

Entries are stored one after the other by the way of every PutObject, so each that is stored is as durable and
as visible as any object, at once. Nothing holds them together: where the archive turns out to be damaged, too
large, or not what its digest says, what was stored before stays, and the answer is the error with the number
of those objects. The answer to success has the ETag and the checksums of the archive, which itself is kept
nowhere; its key names nothing.
"""

from __future__ import annotations

from functools import partial

import attrs
import structlog
import trio

from rustfs_node.acceptor.call import Call
from rustfs_node.acceptor.faults import s3_error_of
from rustfs_node.acceptor.hashing import Digests
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3 import objects
from rustfs_node.acceptor.s3.archive_entries import HeldEntry, StreamedEntry
from rustfs_node.acceptor.s3.archive_stream import ArchiveStream
from rustfs_node.acceptor.s3.conditional import refuse_version
from rustfs_node.acceptor.s3.locks import lock_asked, require_digest
from rustfs_node.acceptor.s3.put_window import Failure, PutWindow
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_proto.locking import ObjectLock
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.extract_limits import ExtractLimits, Tally
from rustfs_proto.s3.features import refuse_unbuilt, storage_class
from rustfs_proto.s3.snowball import (
    SnowballOptions,
    asks_to_extract,
    entry_headers,
    entry_key,
    entry_stored_headers,
    parse_options,
    shown,
)
from rustfs_proto.s3.tagging import tags_of_header
from rustfs_proto.s3.tar_headers import Extension, TarEntry, TarHeaders, padding
from rustfs_proto.versions import NULL_VERSION
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.set_ops import ObjectInfo

log = structlog.get_logger()

_SMALL_BYTES = 128 * 1024
"""Entries up to this size are stored several at a time."""
_FOR_ALL = ("x-amz-storage-class", "x-amz-tagging")
"""What the request says of every object, where its entry does not."""
_HEADERS_AT_ONCE = 32
"""Headers read before others get their turn: a millisecond, where nothing has to be waited for."""


async def put_object(call: Call) -> Response:
    """Store the body as an object, or its entries as objects."""
    if not asks_to_extract(call.headers):
        return await objects.put_object(call)
    refuse_version(call)
    options = parse_options(call.headers)
    lock = await lock_asked(call)
    body = call.body()
    require_digest(call, body, lock)
    objects.check_announced_length(call, body.size_bytes)
    slots = call.services.extractions
    if slots.value == 0:
        raise S3Error("SlowDown", "As many archives are being extracted as may be; try again later.")
    async with slots:
        tally = Tally(_limits(call.services.settings))
        window_bytes = call.services.settings.extract_window_bytes_max
        stream = ArchiveStream(body, call.services.body_tools.threads, tally, window_bytes)
        await _Extraction(call, stream, tally, options, lock).run()
    # Of the archive: no version has it.
    stored = objects.Stored(0, body.digests.etag, body.digests.checksums, NULL_VERSION, size_bytes=0)
    return Response(200, [(b"etag", b'"%b"' % stored.etag.encode()), *objects.checksum_lines(stored)])


def _limits(settings: AcceptorSettings) -> ExtractLimits:
    return ExtractLimits(
        settings.extract_entries_max,
        settings.extract_entry_bytes_max,
        settings.extract_bytes_max,
        settings.extract_ratio_max,
        settings.extract_ratio_free_bytes,
    )


@attrs.define
class _Extraction:
    """An archive on its way into a bucket."""

    call: Call
    stream: ArchiveStream
    tally: Tally
    options: SnowballOptions
    lock: ObjectLock | None
    ignored: int = 0

    async def run(self) -> None:
        """Store all entries and settle the body. Raises S3Error, which tells how many objects are stored."""
        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            window = PutWindow(nursery, self.call.services.settings.extract_puts, self._refused)
            try:
                await self._walk(window)
                await window.drain()
                await self.stream.finish()
            # It is raised below, where no nursery wraps it; writes under way end first, as they would anyhow.
            except Exception as error:
                failure = error
        if self.ignored:
            log.warning("entries_ignored", trace=self.call.request_id, entries=self.ignored)
        if isinstance(failure, S3Error | Fault):
            raise _with_count(failure, window.stored) from failure
        if failure is not None:
            raise failure

    async def _walk(self, window: PutWindow) -> None:
        headers = TarHeaders()
        while (block := await self.stream.header()) is not None:
            found = headers.take(block)
            if found is None:
                return
            self.tally.header()
            if self.tally.entries % _HEADERS_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
            if isinstance(found, Extension):
                headers.extend(found, await self.stream.read(found.size))
                await self.stream.skip(padding(found.size))
            else:
                await self._entry(found, window)

    async def _entry(self, entry: TarEntry, window: PutWindow) -> None:
        self.tally.entry(shown(entry), entry.size)
        try:
            made = self._object(entry)
        except S3Error as refusal:
            self._refused(shown(entry), refusal)
            made = None
        if made is None:
            await self.stream.skip(entry.size + padding(entry.size))
            return
        call, info = made
        if entry.size <= _SMALL_BYTES:
            source = HeldEntry(await self.stream.read(entry.size), self._digests())
            await window.start(call.key, partial(objects.store, call, source, info))
            await self.stream.skip(padding(entry.size))
            return
        await window.settle(call.key)
        large = StreamedEntry(self.stream, entry.size, self._digests())
        await window.attempt(call.key, partial(objects.store, call, large, info))
        await self.stream.skip(large.left_bytes + padding(entry.size))

    def _object(self, entry: TarEntry) -> tuple[Call, ObjectInfo] | None:
        """The call that stores the entry, as if it had come by itself, and what is said of the object."""
        key = entry_key(entry, self.options)
        if key is None:
            return None
        call = attrs.evolve(self.call, key=key, key_bytes=key.encode())
        said = entry_headers(entry)
        refuse_unbuilt(said)
        stored = entry_stored_headers(key, said)
        asked = {name: value for name, value in self.call.headers.items() if name in _FOR_ALL} | said
        return call, ObjectInfo(
            headers=stored.content,
            user=stored.user,
            storage_class=storage_class(asked),
            tags=tags_of_header(asked),
            modified_ms=entry.modified_ms,
            lock=self.lock,
        )

    def _refused(self, name: str, failure: Failure) -> None:
        if not self.options.ignore_errors:
            raise failure
        self.ignored += 1
        log.info("entry_ignored", trace=self.call.request_id, entry=name, reason=str(failure))

    def _digests(self) -> Digests:
        tools = self.call.services.body_tools
        return Digests(tools.threads, tools.thread_bytes_min)


def _with_count(failure: Failure, stored: int) -> S3Error:
    error = s3_error_of(failure, is_write=True) if isinstance(failure, Fault) else failure
    text = f"{error.message} {stored} objects of the archive are stored."
    return S3Error(error.code, text, extra=error.extra, headers=error.headers)
