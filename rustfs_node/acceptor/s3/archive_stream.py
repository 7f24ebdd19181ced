"""The bytes of an archive as they come out of a request's body: expanded piece by piece, counted, digested.

Of the body one piece is held at a time, of the archive another one, and what the decoder keeps as its window.
Expanding happens in a thread. The digests are those of the body as it was sent; they are settled by `finish`,
when everything has been read.
"""

from __future__ import annotations

from functools import partial

import trio

from rustfs_node.acceptor.body import BodyReader
from rustfs_node.seams.threads import Threads
from rustfs_proto.s3.decompression import Compression, Decompressor, detect
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.extract_limits import Tally
from rustfs_proto.s3.tar_headers import BLOCK_BYTES, broken

PIECE_BYTES = 256 * 1024
"""Of the body and of the archive: a hop to a thread costs a tenth of what it is for."""


class ArchiveStream:
    """What a request's body expands to, read from its beginning. Every fault of the client is an `S3Error`;
    after one nothing more can be read.
    """

    def __init__(self, body: BodyReader, threads: Threads, tally: Tally, window_bytes_max: int) -> None:
        self._body = body
        self._threads = threads
        self._tally = tally
        self._window_bytes_max = window_bytes_max
        self._decompressor: Decompressor | None = None
        self._has_begun = self._is_over = False
        self._failure: S3Error | None = None
        self._piece, self._at = b"", 0

    async def header(self) -> bytes | None:
        """The next block, None where the archive ends."""
        if self._at == len(self._piece) and not await self._more():
            return None
        return await self.read(BLOCK_BYTES)

    async def read(self, size_bytes: int) -> bytes:
        """Exactly so many bytes; raises BadRequest where the archive ends before."""
        parts: list[bytes] = []
        while size_bytes:
            part = await self._some(size_bytes)
            parts.append(part)
            size_bytes -= len(part)
        return b"".join(parts)

    async def skip(self, size_bytes: int) -> None:
        """Pass over so many bytes."""
        while size_bytes:
            size_bytes -= len(await self._some(size_bytes))

    async def finish(self) -> None:
        """Read what is left of the body, whatever it is, and settle what was announced of all of it."""
        while not self._is_over:
            await self._receive()
        if self._failure is not None:
            raise self._failure
        self._body.finish()

    async def _some(self, limit_bytes: int) -> bytes:
        if self._at == len(self._piece) and not await self._more():
            raise broken("it ends within an entry")
        part = self._piece[self._at : self._at + limit_bytes]
        self._at += len(part)
        return part

    async def _more(self) -> bool:
        """Have a piece; False at the end. A failure that somebody passed over is met again."""
        if self._failure is not None:
            raise self._failure
        try:
            return await self._load()
        except S3Error as failure:
            self._failure = failure
            raise

    async def _load(self) -> bool:
        # Pieces that are at hand must not keep the others waiting.
        await trio.lowlevel.checkpoint()
        self._piece, self._at = b"", 0
        while not self._piece:
            if self._decompressor is not None:
                self._piece = await self._threads.run(partial(self._decompressor.take, PIECE_BYTES))
            if not self._piece:
                if self._is_over:
                    self._check_whole()
                    return False
                await self._take_in(await self._receive())
        self._tally.expand(len(self._piece))
        return True

    async def _take_in(self, block: bytes) -> None:
        if not self._has_begun:
            self._has_begun = True
            compression = detect(block)
            if compression is not Compression.NONE:
                self._decompressor = Decompressor(compression, self._window_bytes_max)
        if self._decompressor is None:
            self._piece = block
        else:
            self._decompressor.put(block)

    async def _receive(self) -> bytes:
        block, self._is_over = await self._body.next_block(PIECE_BYTES)
        await self._body.digest(block)
        self._tally.receive(len(block))
        return block

    def _check_whole(self) -> None:
        if self._decompressor is not None:
            self._decompressor.finish()
