"""A request's body as S3 means it: decoded from aws-chunked, cut into blocks, verified against everything the
client announced.

The order of use: `next_block` until it says that a block is the last, each block given to `digest`, then
`finish`. Only after `finish` returned may anything be committed: chunk signatures, the signed SHA-256,
Content-MD5 and checksums are all settled by then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import trio

from rustfs_node.acceptor.hashing import Digests
from rustfs_node.acceptor.limits import PUT_BYTES_MAX
from rustfs_node.acceptor.net.framing import BodyIncomplete, RawBody
from rustfs_node.acceptor.net.messages import HttpRequest
from rustfs_node.acceptor.pool import UNCLAIMED_BYTES, BufferPool, Intake
from rustfs_node.acceptor.upload_memory import UploadMemory
from rustfs_node.seams.threads import Threads
from rustfs_proto.s3.checksums import (
    Announced,
    ChecksumAlgorithm,
    announced_checksum,
    check_content_md5,
    content_md5,
)
from rustfs_proto.s3.chunked import ChunkedDecoder, ChunkSigner, read_framing
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.sigv4 import Verified, same_text
from rustfs_proto.s3.sigv4_claims import PayloadMode

UNKNOWN = -1
_DECODED_BYTES = 64 * 1024
"""Most bytes of aws-chunked framing decoded before others get their turn: 0.1 s of one-byte chunks."""
_FRAMING_BYTES = 16 * 1024
"""Room to read what follows the last payload byte: a chunk line and trailers, 8 KiB at most."""
_TOO_SLOW = "The body came too slowly while the server was short of memory; try again later."


@attrs.frozen
class BodyTools:
    """What every body reader of an acceptor shares."""

    threads: Threads
    thread_bytes_min: int
    pool: BufferPool
    memory: UploadMemory


class BodyReader:
    """`size_bytes` is the length of the decoded body, or UNKNOWN. Every fault of the client is an
    `S3Error`.
    """

    def __init__(
        self,
        request: HttpRequest,
        verified: Verified,
        tools: BodyTools,
        *,
        algorithm: ChecksumAlgorithm | None = None,
        checksum_is_of_body: bool = True,
    ) -> None:
        """`algorithm` is a checksum that is wanted even where the client announces none.
        `checksum_is_of_body` is False where checksum headers speak of something else than this body.
        """
        mode = verified.claim.mode
        self._raw: RawBody = request.body
        self._pool = tools.pool
        self._claim = tools.memory.claim()
        self._decoder: ChunkedDecoder | None = None
        self.size_bytes = self._raw.left_bytes
        if mode.streaming:
            self.size_bytes = self._decode_chunks(request, verified)
        self._left_bytes = self.size_bytes
        self._carry = b""
        self._taken_bytes = 0
        self._payload_hash = verified.claim.payload_hash if mode is PayloadMode.SIGNED else None
        self._content_md5 = content_md5(request.headers)
        self.announced: Announced | None = None
        if checksum_is_of_body:
            self.announced = announced_checksum(request.headers)
        if self.announced is not None:
            algorithm = self.announced.algorithm
        self.digests = Digests(
            tools.threads, tools.thread_bytes_min, sha256=self._payload_hash is not None, algorithm=algorithm
        )

    @property
    def has_digest(self) -> bool:
        """Whether the client announced a Content-MD5 or a checksum."""
        return self._content_md5 is not None or self.announced is not None

    def close(self) -> None:
        """No block of it is needed any more."""
        if self._claim.held_bytes:
            self._claim.end(0)

    def _decode_chunks(self, request: HttpRequest, verified: Verified) -> int:
        mode = verified.claim.mode
        framing = read_framing(request.headers)
        self._decoder = ChunkedDecoder(
            mode,
            decoded_bytes=framing.decoded_bytes,
            trailer_names=framing.trailer_names,
            signer=None
            if mode is PayloadMode.STREAMING_UNSIGNED_TRAILER
            else ChunkSigner.continuing(verified),
        )
        return framing.decoded_bytes

    async def next_block(self, limit_bytes: int) -> tuple[bytes, bool]:
        """The next `limit_bytes` of the body, or the shorter rest of it; True with the last block. The one
        before is in no need of memory here any more.
        """
        if self._claim.held_bytes:
            self._claim.end(0)
        try:
            block = await self._next_block(limit_bytes)
        except BodyIncomplete as error:
            raise S3Error("IncompleteBody", f"The request body is incomplete: {error}.") from None
        self._taken_bytes += len(block)
        if self._taken_bytes > PUT_BYTES_MAX:
            raise entity_too_large(self._taken_bytes)
        return block, self._left_bytes == 0

    async def digest(self, block: bytes) -> None:
        """Count `block` into the digests."""
        await self.digests.update(block)

    def finish(self) -> None:
        """Settle everything that was announced. From here on the body may be believed."""
        if self._decoder is not None:
            self._decoder.finish()
        if self._payload_hash is not None and not same_text(
            self.digests.sha256_hex, self._payload_hash.lower()
        ):
            raise S3Error(
                "XAmzContentSHA256Mismatch",
                extra={
                    "ClientComputedContentSHA256": self._payload_hash,
                    "S3ComputedContentSHA256": self.digests.sha256_hex,
                },
            )
        check_content_md5(self._content_md5, self.digests.md5)
        if self.announced is not None:
            trailers = {} if self._decoder is None else self._decoder.trailers
            self.announced.check(self.digests.checksum, trailers)

    async def _next_block(self, limit_bytes: int) -> bytes:
        if self._left_bytes == UNKNOWN:
            return await self._block_of_unknown(limit_bytes)
        size = min(limit_bytes, self._left_bytes)
        if self._decoder is not None:
            block = self._decode_at_once(self._decoder, size) or await self._decoded(self._decoder, size)
        else:
            block = self._raw.take(size) or await self._receive(size, self._read)
        self._left_bytes -= size
        return block

    async def _receive(self, size_bytes: int, fill: Callable[[Intake], Awaitable[None]]) -> bytes:
        """A block of at most `size_bytes`, which `fill` receives."""
        with Intake(self._pool, self._claim, size_bytes) as intake:
            if size_bytes <= UNCLAIMED_BYTES:
                await fill(intake)
                return bytes(intake.view[: intake.filled])
            block = None
            try:
                with self._claim.begin():
                    await fill(intake)
                    block = bytes(intake.view[: intake.filled])
            finally:
                self._claim.end(0 if block is None else min(len(block), self._claim.held_bytes))
            if block is None:
                raise S3Error("SlowDown", _TOO_SLOW)
            return block

    async def _read(self, intake: Intake) -> None:
        while not intake.is_full:
            intake.filled += await self._raw.read_into(await intake.room())

    def _decode_at_once(self, decoder: ChunkedDecoder, size_bytes: int) -> bytes | None:
        """The whole of a small body that arrived with its head."""
        if size_bytes != self._left_bytes or self._raw.left_bytes == UNKNOWN:
            return None
        arrived = self._raw.take(self._raw.left_bytes)
        if arrived is None:
            return None
        return self._exactly(b"".join(decoder.feed(arrived)), size_bytes)

    async def _decoded(self, decoder: ChunkedDecoder, size_bytes: int) -> bytes:
        block = await self._receive(size_bytes, self._decode)
        excess = await self._decode_rest(decoder) if size_bytes == self._left_bytes else 0
        return self._exactly(block, size_bytes, excess)

    async def _decode(self, intake: Intake) -> None:
        decoder = self._decoder
        assert decoder is not None
        while not intake.is_full:
            room = await intake.room()
            size = await self._raw.read_into(room[:_DECODED_BYTES])
            if size == 0:
                break
            # The payload moves to the left over the framing before it, within the same memory.
            for piece in decoder.feed(room[:size]):
                intake.view[intake.filled : intake.filled + len(piece)] = piece
                intake.filled += len(piece)
            # Reading does not yield while bytes are at hand, and tiny chunks cost a lot each.
            await trio.lowlevel.checkpoint()

    async def _decode_rest(self, decoder: ChunkedDecoder) -> int:
        """Feed what frames the end of the body; payload bytes in there, of which there should be none."""
        excess = 0
        view = memoryview(bytearray(_FRAMING_BYTES))
        while size := await self._raw.read_into(view):
            excess += sum(len(piece) for piece in decoder.feed(view[:size]))
        return excess

    @staticmethod
    def _exactly(block: bytes, size_bytes: int, excess_bytes: int = 0) -> bytes:
        found_bytes = len(block) + excess_bytes
        if found_bytes != size_bytes:
            raise S3Error(
                "IncompleteBody", f"The body has {found_bytes} bytes where {size_bytes} were announced."
            )
        return block

    async def _block_of_unknown(self, limit_bytes: int) -> bytes:
        """A byte more than `limit_bytes` is read, to know whether the block is the last; it opens the next
        one.
        """
        block = await self._receive(limit_bytes + 1, self._read_until_end)
        if len(block) <= limit_bytes:
            self._left_bytes, self._carry = 0, b""
            return block
        self._carry = block[limit_bytes:]
        return block[:limit_bytes]

    async def _read_until_end(self, intake: Intake) -> None:
        room = await intake.room()
        intake.filled = len(self._carry)
        room[: intake.filled] = self._carry
        while not intake.is_full:
            size = await self._raw.read_into(await intake.room())
            if size == 0:
                return
            intake.filled += size


def entity_too_large(size_bytes: int) -> S3Error:
    """More than one PutObject or UploadPart may carry."""
    extra = {"ProposedSize": str(size_bytes), "MaxSizeAllowed": str(PUT_BYTES_MAX)}
    return S3Error("EntityTooLarge", extra=extra)
