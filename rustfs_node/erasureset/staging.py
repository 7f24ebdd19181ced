"""The bytes that a rename brings to its target, before anybody sees them.

They come as one body, inline or in a shard file of its own, or as the parts of an upload: an object keeps its
parts when it is renamed, and so do its ETag and checksums, which nobody can tell from the bytes alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import structlog
from msgspec.structs import replace

from rustfs_node.bus import Request
from rustfs_node.erasureset.conditional import Frames
from rustfs_node.erasureset.state import SetState, codec_of
from rustfs_node.erasureset.stream import DATA_ID_BYTES, Stream
from rustfs_node.erasureset.target import Target
from rustfs_node.erasureset.upload_rows import require_upload, stored_parts
from rustfs_node.erasureset.uploads import remove_upload
from rustfs_node.erasureset.write import (
    WatchedWrite,
    file_commits,
    fragment_commits,
    head_of,
    meta_of,
)
from rustfs_proto.erasure.geometry import fragment_bytes
from rustfs_proto.erasure.multipart import PART_NUMBER_MAX
from rustfs_proto.objects import INLINE, ObjectHead, ObjectMeta, Part, encode_head
from rustfs_proto.wire.drive_ops import Commit, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.rename_ops import RenameStage

log = structlog.get_logger()


@attrs.frozen
class Staged:
    """What the row at the target says, its inline `body`, and the stream that wrote its one shard file.
    `shards_needed` as in `RowWrite`.
    """

    head: ObjectHead
    meta: ObjectMeta
    body: bytes = b""
    stream: Stream | None = None
    shards_needed: int | None = None

    def commits(
        self, state: SetState, target: Target, stamp: int, expects: list[int]
    ) -> tuple[Sequence[Commit | None], Frames]:
        """The commits and frames, by slot, of the row."""
        if self.body:
            fragments = codec_of(self.meta.geometry).encode(self.body)
            return fragment_commits(
                state, target, stamp, self.head, self.meta, fragments, expects, space=Space.RENAME
            )
        head = encode_head(self.head)
        whole = self.stream is not None
        commits = file_commits(
            state, target, stamp, head, self.meta, expects, space=Space.RENAME, whole=whole
        )
        left_out = self.stream.left_out if self.stream else [False] * state.n
        return [None if out else commit for out, commit in zip(left_out, commits, strict=True)], None

    def give_up(self, fault: Fault) -> None:
        """The row was not written, or nobody knows."""
        if self.stream is None:
            return
        if fault.not_applied:
            self.stream.give_up()
        self.stream.finished()

    def finished(self) -> None:
        """The row was written."""
        if self.stream is not None:
            self.stream.finished()


async def stage_body(state: SetState, request: Request, message: RenameStage, body: bytes) -> Staged:
    """A body of at most one stripe, whose memory is taken; in a shard file where it is too large for the
    logs.
    """
    info = message.info
    head, geometry = head_of(info, len(body)), state.geometry_of(info.storage_class)
    data_id, stream = INLINE, None
    if fragment_bytes(len(body), geometry.k) > state.settings.inline_bytes_max:
        data_id = state.randomness.token(DATA_ID_BYTES)
        stream = Stream(state, geometry, message.bucket, message.key, len(body), data_id)
        await state.memory.taken(request, len(body))
        await stream.send_only(body)
        await stream.drained()
    parts = (Part(1, len(body), data_id, info.etag, info.checksums),) if body else ()
    if message.parts and body:
        (part,) = message.parts
        parts = (Part(part.number, len(body), data_id, part.etag, part.checksums),)
    meta = replace(meta_of(geometry, parts, info), rename=message.rename)
    return Staged(head, meta, b"" if stream else body, stream)


async def stage_parts(state: SetState, message: RenameStage, trace: str) -> Staged:
    """The parts of an upload, under what the object says of them."""
    upload = await require_upload(state, message.bucket, message.key, message.upload_id, trace)
    stored = await stored_parts(
        state, message.bucket, message.key, message.upload_id, 0, PART_NUMBER_MAX, trace
    )
    if [(part.number, part.size) for part in stored] != [(part.number, part.size) for part in message.parts]:
        raise Fault(FaultCode.INVALID_PART, f"{len(stored)} parts were stored, not those of the object")
    parts = tuple(
        replace(part, etag=named.etag, checksums=named.checksums)
        for part, named in zip(stored, message.parts, strict=True)
    )
    head = head_of(message.info, sum(part.size for part in parts))
    meta = replace(meta_of(upload.geometry, parts, message.info), rename=message.rename)
    return Staged(head, meta, shards_needed=upload.geometry.k)


async def end_staging(state: SetState, message: RenameStage, written: WatchedWrite, trace: str) -> None:
    """The row names the shard files of the upload, which is over by that. As after a completion, a drive that
    missed the row keeps those of the parts; and a failure is the log's alone.
    """
    await written.finished(state.settings.complete_wait_s)
    spared = set(range(state.n)) - written.committed_slots
    try:
        upload = await require_upload(state, message.bucket, message.key, message.upload_id, trace)
        await remove_upload(
            state, message.bucket, message.key, message.upload_id, upload.stamp, spared, trace
        )
    except Fault as fault:
        log.warning("upload_not_removed", request_id=trace, bucket=message.bucket, reason=str(fault))
