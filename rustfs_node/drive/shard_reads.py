"""Reading fragments out of shard files, each verified before it leaves the drive.

Files stay open for a while, because a large object is read fragment by fragment; one that is removed
meanwhile stays readable to those who have it open. `borrow` and `give_back` belong to the event loop, `open`
and `read` block.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import attrs

from rustfs_node.seams.files import File, Files
from rustfs_node.settings.drive import DriveSettings
from rustfs_proto.disk.layout import DATA_ID_BYTES, shard_path
from rustfs_proto.disk.place import DrivePlace
from rustfs_proto.disk.shard_file import (
    BLOCK_BYTES,
    FRAME_HEADER_BYTES,
    ShardFlaw,
    check_frame,
    decode_shard_header,
    fragment_bytes_max,
    frame_offset,
    frame_span,
)
from rustfs_proto.erasure.durability import Damage
from rustfs_proto.wire.drive_ops import ShardFragments, ShardIdentity, ShardRead
from rustfs_proto.wire.faults import Fault, FaultCode


@attrs.define(auto_exc=True, str=False)
class FlawedFile(Fault):
    """A shard file that is not as it should be, and in which way."""

    flaw: Damage = Damage.CORRUPT


_DAMAGES = {ShardFlaw.FOREIGN: Damage.FOREIGN, ShardFlaw.MISSING: Damage.TRUNCATED}


def _flawed(what: str, flaw: ShardFlaw, damages: Mapping[ShardFlaw, Damage] = _DAMAGES) -> FlawedFile:
    text = f"{what}: {flaw.value}"
    return FlawedFile(FaultCode.DAMAGED, text, flaw=damages.get(flaw, Damage.CORRUPT))


@attrs.define(eq=False)
class OpenShard:
    """A shard file open for reading. It is closed when nobody uses it and it is no longer kept.

    `epoch` tells whether files were removed or replaced since it was opened: then it may be one of them.
    """

    data_id: bytes
    file: File
    identity: ShardIdentity
    epoch: int
    used_s: float = 0.0
    users: int = 0


class ShardReaders:
    """The shard files of a drive that are open for reading."""

    def __init__(self, files: Files, drive_path: str, place: DrivePlace, settings: DriveSettings) -> None:
        self._files = files
        self._root = drive_path
        self._place = place
        self._settings = settings
        self._kept: dict[bytes, OpenShard] = {}
        self._epoch = 0

    def borrow(self, data_id: bytes, now_s: float) -> OpenShard | None:
        """The open file, if there is one; pair with `give_back`."""
        shard = self._kept.get(data_id)
        if shard is not None:
            shard.users += 1
            shard.used_s = now_s
        return shard

    def open(self, data_id: bytes) -> OpenShard:
        """Open a file and believe its header. Blocks; raises Fault or OSError. Borrowed by the caller."""
        if len(data_id) != DATA_ID_BYTES:
            raise Fault(FaultCode.NOT_FOUND, f"data ids have {DATA_ID_BYTES} bytes")
        epoch = self._epoch
        try:
            file = self._files.open(f"{self._root}/{shard_path(data_id)}", write=False)
        except FileNotFoundError:
            raise Fault(FaultCode.NOT_FOUND, f"no shard file {data_id.hex()}") from None
        try:
            header = decode_shard_header(file.read_at(0, BLOCK_BYTES), self._place, data_id)
            if isinstance(header, ShardFlaw):
                raise _flawed(f"the header of shard file {data_id.hex()}", header)
        # Whatever it was: nobody else knows the file yet.
        except BaseException:
            file.close()
            raise
        return OpenShard(data_id, file, header.identity, epoch, users=1)

    def read(
        self, shard: OpenShard, request: ShardRead, *, wait: bool = True
    ) -> tuple[ShardFragments, tuple[bytes, ...]] | None:
        """The fragments asked for. Blocks; raises Fault or OSError. Without `wait` it never blocks, and
        answers None where not all is in memory.
        """
        name, identity = request.data_id.hex(), shard.identity
        if (identity.bucket, identity.key, identity.shard) != (request.bucket, request.key, request.shard):
            raise Fault(FaultCode.DAMAGED, f"shard file {name} is of {identity}")
        span = frame_span(identity)
        if request.index < 0 or request.count < 1 or request.count * span > self._settings.read_bytes:
            text = f"fragments {request.index} + {request.count} of {span} bytes; the limit is read_bytes"
            raise Fault(FaultCode.INVALID, text)
        checks: list[bytes] = []
        fragments: list[bytes] = []
        for index in range(request.index, request.index + request.count):
            found = read_frame(shard, index, wait=wait)
            if found is None:
                return None
            fragments.append(found[0])
            checks.append(found[1])
        return ShardFragments(tuple(checks)), tuple(fragments)

    def give_back(self, shard: OpenShard, now_s: float) -> None:
        """Done with the file. It is kept for the next reader."""
        shard.users -= 1
        shard.used_s = now_s
        if shard.data_id not in self._kept and shard.epoch == self._epoch:
            self._kept[shard.data_id] = shard
            self._shrink(self._settings.read_files)
        self._close_unused(shard)

    def forget(self, data_id: bytes) -> None:
        """The file is removed or replaced: the next reader opens what stands there then."""
        self._epoch += 1
        self._let_go(data_id)

    def close_idle(self, now_s: float) -> None:
        """Close what nobody read for a while."""
        limit_s = now_s - self._settings.read_idle_s
        for data_id in [
            shard.data_id for shard in self._kept.values() if shard.used_s < limit_s and not shard.users
        ]:
            self._let_go(data_id)

    def close(self) -> None:
        """Close what nobody is using; the others are closed when they are given back."""
        self._shrink(0)

    def _shrink(self, count: int) -> None:
        while len(self._kept) > count:
            self._let_go(next(iter(self._kept)))

    def _let_go(self, data_id: bytes) -> None:
        shard = self._kept.pop(data_id, None)
        if shard is not None:
            self._close_unused(shard)

    def _close_unused(self, shard: OpenShard) -> None:
        if not shard.users and self._kept.get(shard.data_id) is not shard:
            shard.file.close()


def read_frame(shard: OpenShard, index: int, *, wait: bool) -> tuple[bytes, bytes] | None:
    """Fragment and digest, or None without `wait` where not all is in memory; raises Fault or OSError. The
    fragment is read to where it stays, and copied nowhere.
    """
    header, fragment = bytearray(FRAME_HEADER_BYTES), bytearray(fragment_bytes_max(shard.identity))
    size_bytes = shard.file.read_into(frame_offset(shard.identity, index), (header, fragment), wait=wait)
    if size_bytes is None:
        return None
    arrived = memoryview(fragment)[: max(0, size_bytes - FRAME_HEADER_BYTES)]
    found = check_frame(header[:size_bytes], arrived, shard.data_id, index)
    if isinstance(found, ShardFlaw):
        # Also where the file ends before it: NOT_FOUND says that a version was given up, and this is a loss.
        what = f"fragment {index} of shard file {shard.data_id.hex()}"
        raise _flawed(what, found, _DAMAGES | {ShardFlaw.FOREIGN: Damage.MISPLACED})
    # The bus sends whatever is made of bytes; those who receive it get `bytes`.
    return cast("bytes", arrived[: found[0]]), found[1]
