"""Keys in bulk: a million empty objects onto the drives of a node that is stopped, in a minute or two.

A million PUTs take many minutes and measure nothing that `put` does not measure. So the records that a set
worker would send for them are committed by the drives' own engine, one process per drive: the same decision,
the same log, the same sync for each batch, the same index. What the node finds at its next start is what the
PUTs would have left behind. All drives of the set must be given, and none may be in use.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from hashlib import md5

import attrs

from bench.wire import list_key
from rustfs_node.drive.commit import Waiting
from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.identity_file import DriveAddress
from rustfs_node.seams.clock import SystemClock
from rustfs_node.seams.node_files import lock_folder
from rustfs_node.seams.real_files import RealFiles
from rustfs_node.settings.drive import DriveSettings
from rustfs_node.settings.erasureset import SetSettings
from rustfs_proto.disk.identity import DriveIdentity, parse_identity
from rustfs_proto.disk.layout import IDENTITY_FILE
from rustfs_proto.erasure.geometry import default_parity
from rustfs_proto.erasure.placement import shard_of_slot
from rustfs_proto.objects import Geometry, ObjectHead, ObjectMeta, encode_head, encode_meta
from rustfs_proto.stamp import first_stamp
from rustfs_proto.wire.drive_ops import Commit, RowKind, Space
from rustfs_proto.wire.faults import Fault

_STAMP_STEP = 1 << 8
_FOLD_EVERY = 64


class _MustSucceed:
    """Who waits for each commit: nobody, but none may fail."""

    def reply(self, message: object, frames: Sequence[bytes] = ()) -> None:
        """As it should be."""

    def fail(self, fault: Fault) -> None:
        raise fault


def fill(folders: Sequence[str], bucket: str, count: int) -> None:
    """Put `count` empty objects into `bucket` on every drive of a set. Raises SystemExit where one fails."""
    identities = {path: _identity(path) for path in folders}
    sizes = {identity.set_size for identity in identities.values()}
    if sizes != {len(folders)}:
        raise SystemExit(f"{len(folders)} drives given of a set of {sizes}: every drive must get the keys")
    # In the past, so that whatever the node writes next is newer.
    wall_ms = time.time_ns() // 1_000_000 - 3_600_000
    running = [
        subprocess.Popen([sys.executable, "-m", "bench.fill", path, bucket, str(count), str(wall_ms)])
        for path in folders
    ]
    statuses = [process.wait() for process in running]
    if any(statuses):
        raise SystemExit("not every drive could be filled: see above, and format these drives anew")


def _identity(path: str) -> DriveIdentity:
    return parse_identity(RealFiles().read_file(f"{path}/{IDENTITY_FILE}"))


def fill_drive(path: str, bucket: str, count: int, wall_ms: int) -> None:
    """One drive's share."""
    lock = lock_folder(path)
    if lock is None:
        raise SystemExit(f"{path} is in use: stop the node first")
    identity = _identity(path)
    address = DriveAddress(path, identity.deployment_id, identity.set_index, identity.slot, identity.drive_id)
    settings = attrs.evolve(DriveSettings(), segment_zero_fill=False)
    files = RealFiles()
    engine = DriveEngine.open(files, address, settings, SystemClock())
    parity = default_parity(identity.set_size)
    geometry = Geometry(identity.set_size - parity, parity, SetSettings().stripe_bytes)
    head = encode_head(ObjectHead(0, md5(b"", usedforsecurity=False).hexdigest()))
    meta = encode_meta(ObjectMeta(geometry))
    first, asker = first_stamp(wall_ms, 0), _MustSucceed()
    for number, start in enumerate(range(0, count, settings.batch_records)):
        keys = range(start, min(start + settings.batch_records, count))
        engine.run(
            [Waiting(_commit(identity, bucket, index, first, head, meta), b"", asker) for index in keys]
        )
        if number % _FOLD_EVERY == 0:
            engine.index_file.fold(files)
    engine.index_file.fold_now()
    engine.close()
    lock.close()


def _commit(identity: DriveIdentity, bucket: str, index: int, first: int, head: bytes, meta: bytes) -> Commit:
    key = list_key(index).encode()
    shard = shard_of_slot(bucket, key, identity.slot, identity.set_size)
    stamp = first + index * _STAMP_STEP
    return Commit(Space.OBJECT, bucket, key, stamp, RowKind.VALUE, shard=shard, head=head, meta=meta)


if __name__ == "__main__":
    fill_drive(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
