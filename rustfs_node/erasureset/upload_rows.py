"""The rows of an upload: reading the upload's own, and those of its parts."""

from __future__ import annotations

import attrs

from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.scan import RowScan
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.version import version_of
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.erasure.listing import RowVerdict
from rustfs_proto.erasure.multipart import (
    PART_NUMBER_MAX,
    UPLOAD_ID_BYTES,
    decode_part_head,
    part_sub,
    upload_info,
)
from rustfs_proto.objects import Geometry, Part
from rustfs_proto.wire.drive_ops import Lookup, ScanRow, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ObjectInfo, PartTarget


@attrs.frozen
class Upload:
    """What an upload was created with. `geometry` is that of all its parts."""

    stamp: int
    info: ObjectInfo
    checksum_algorithm: str
    geometry: Geometry


async def require_upload(state: SetState, bucket: str, key: bytes, upload_id: bytes, trace: str) -> Upload:
    """The upload; raises `Fault` NOT_FOUND where it was never begun, or is over."""
    if len(upload_id) != UPLOAD_ID_BYTES:
        raise Fault(FaultCode.NOT_FOUND, f"an upload id has {UPLOAD_ID_BYTES} bytes, not {len(upload_id)}")
    read = await resolve(state, Lookup(Space.UPLOAD, bucket, key, upload_id, want_inline=False), trace)
    assert read.decision is not None
    if read.decision.verdict is Verdict.ABSENT:
        raise Fault(FaultCode.NOT_FOUND, "no such upload: it was never begun, or is completed or given up")
    version = await version_of(state, read, trace)
    info, algorithm = upload_info(version.head, version.meta)
    return Upload(version.stamp, info, algorithm, version.meta.geometry)


async def stamp_to_end(state: SetState, bucket: str, key: bytes, upload_id: bytes, trace: str) -> int:
    """The newest stamp of an upload that may be given up; raises `Fault` NOT_FOUND where it is over.

    It is not over where every drive has answered and fewer than a write quorum have its end: that was never
    acknowledged, and a listing may still show the upload. Where fewer than k have it and others are away
    nobody can tell: NO_QUORUM.
    """
    if len(upload_id) == UPLOAD_ID_BYTES:
        read = await resolve(state, Lookup(Space.UPLOAD, bucket, key, upload_id, want_inline=False), trace)
        decision = read.decision
        assert decision is not None
        if decision.verdict is Verdict.ABSENT and 0 < len(decision.slots) < state.write_quorum:
            if len(read.answers) == state.n:
                return decision.stamp
            if len(decision.slots) < state.k:
                raise Fault(FaultCode.NO_QUORUM, "too few drives answer to tell whether the upload is over")
    return (await require_upload(state, bucket, key, upload_id, trace)).stamp


async def require_target(state: SetState, bucket: str, key: bytes, part: PartTarget, trace: str) -> Upload:
    """The upload, of which the part may be written; raises `Fault` NOT_FOUND as `require_upload` does, and
    where stripes are of another size now than those of the parts before, and INVALID.
    """
    if not 1 <= part.number <= PART_NUMBER_MAX:
        raise Fault(FaultCode.INVALID, f"part {part.number}: numbers go from 1 to {PART_NUMBER_MAX}")
    upload = await require_upload(state, bucket, key, part.upload_id, trace)
    if upload.geometry.stripe_bytes != state.geometry.stripe_bytes:
        text = f"the upload was begun with {upload.geometry}, and is {state.geometry} now: begin it again"
        raise Fault(FaultCode.NOT_FOUND, text)
    return upload


async def stored_parts(
    state: SetState, bucket: str, key: bytes, upload_id: bytes, after: int, limit: int, trace: str
) -> list[Part]:
    """Parts with numbers after `after`, in order, at most `limit`."""
    if not 0 <= after < PART_NUMBER_MAX:
        return []
    start = (key, part_sub(upload_id, after + 1))
    scan = RowScan(
        state, Space.PART, bucket, key, start, b"", min(limit + 1, state.settings.scan_rows_max), trace
    )
    found: list[Part] = []
    while len(found) < limit:
        rows = await scan.next_rows(limit - len(found))
        for merged in rows:
            if merged.row.key != key or not merged.row.sub.startswith(upload_id):
                return found
            if merged.verdict is RowVerdict.PRESENT:
                found.append(decode_part_head(merged.row.head, merged.row.stamp))
            elif merged.verdict is RowVerdict.DISPUTED:
                found.extend(await _disputed_part(state, bucket, merged.row, trace))
        if not rows:
            break
    return found


async def _disputed_part(state: SetState, bucket: str, row: ScanRow, trace: str) -> list[Part]:
    read = await resolve(state, Lookup(Space.PART, bucket, row.key, row.sub, want_inline=False), trace)
    assert read.decision is not None
    if read.decision.verdict is Verdict.ABSENT:
        return []
    version = await version_of(state, read, trace)
    return [decode_part_head(version.raw_head, version.stamp)]
