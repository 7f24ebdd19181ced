"""A drive that nobody serves, read through `Files`: its segments, records and shard files as they lie there.

What the corruptors aim at and the census counts. Works for folders of the real file system and for files in
memory alike: whatever has `files` and `path` is a drive at rest. Reads what is damaged too, so nothing here
raises because of bytes; only a drive without its identity cannot say whose bytes they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import attrs

from rustfs_node.drive.log_scan import Found, SegmentScan
from rustfs_node.seams.files import Files
from rustfs_node.seams.real_files import RealFiles
from rustfs_proto.disk.identity import DriveIdentity, parse_identity
from rustfs_proto.disk.layout import (
    IDENTITY_FILE,
    INDEX_FILE,
    LOG_FOLDER,
    SHARD_FOLDER,
    parse_segment_name,
    parse_shard_name,
)
from rustfs_proto.disk.place import DrivePlace, place_of
from rustfs_proto.disk.segment import HEADER_BYTES
from rustfs_proto.disk.shard_file import BLOCK_BYTES, ShardFlaw, decode_shard_header
from rustfs_proto.wire.drive_ops import ShardIdentity


class AtRest(Protocol):
    """Where a drive lies."""

    @property
    def files(self) -> Files: ...

    @property
    def path(self) -> str: ...


@attrs.frozen
class Folder:
    """A drive in a folder of some file system."""

    files: Files
    path: str


Drive = AtRest | Path
"""A path means a folder of the real file system."""


def at_rest(drive: Drive) -> AtRest:
    """The drive with the file system it lies in."""
    return Folder(RealFiles(), str(drive)) if isinstance(drive, Path) else drive


def identity_of(drive: Drive) -> DriveIdentity:
    """What the drive says it is; raises OSError or IdentityError."""
    drive = at_rest(drive)
    return parse_identity(drive.files.read_file(f"{drive.path}/{IDENTITY_FILE}"))


def index_path(drive: Drive) -> str:
    """Where the index lies, if it lies on the drive."""
    return f"{at_rest(drive).path}/{INDEX_FILE}"


def segments(drive: Drive) -> list[str]:
    """Paths of all log segments, oldest first."""
    drive = at_rest(drive)
    return [path for path in _entries(drive, f"{drive.path}/{LOG_FOLDER}") if _is_segment(path)]


def records(drive: Drive, segment: str, place: DrivePlace | None = None) -> list[Found]:
    """All whole records of a segment, whatever stands between them."""
    drive = at_rest(drive)
    file = drive.files.open(segment, write=False)
    try:
        scan = SegmentScan(file, place or place_of(identity_of(drive)))
        return list(scan.all_from(HEADER_BYTES))
    finally:
        file.close()


def all_records(drive: Drive) -> Iterator[tuple[str, Found]]:
    """All whole records of the log with the segments they stand in, oldest segment first."""
    drive = at_rest(drive)
    place = place_of(identity_of(drive))
    for segment in segments(drive):
        for found in records(drive, segment, place):
            yield segment, found


def find_record(drive: Drive, key: str) -> tuple[str, Found]:
    """The newest record of a key in the log: segment path and record."""
    found = [entry for entry in all_records(drive) if entry[1].record.key == key.encode()]
    return max(found, key=lambda entry: entry[1].record.sequence)


def shard_files(drive: Drive) -> list[str]:
    """Paths of everything below the shard folder, in order of name."""
    drive = at_rest(drive)
    return [
        path
        for subfolder in _entries(drive, f"{drive.path}/{SHARD_FOLDER}")
        if drive.files.stat(subfolder).is_folder
        for path in _entries(drive, subfolder)
    ]


def shard_identity(drive: Drive, path: str) -> ShardIdentity | None:
    """What a shard file says of itself; None where its header is not whole."""
    drive = at_rest(drive)
    subfolder, name = path.split("/")[-2:]
    parsed = parse_shard_name(subfolder, name)
    if parsed is None:
        return None
    file = drive.files.open(path, write=False)
    try:
        header = decode_shard_header(file.read_at(0, BLOCK_BYTES), place_of(identity_of(drive)), parsed[0])
    finally:
        file.close()
    return None if isinstance(header, ShardFlaw) else header.identity


def tree(drive: Drive, folder: str = "") -> dict[str, bytes]:
    """Every file of the drive, or of one of its folders, by its path from the root of the drive."""
    drive = at_rest(drive)
    found: dict[str, bytes] = {}
    waiting = [f"{drive.path}/{folder}" if folder else drive.path]
    while waiting:
        path = waiting.pop()
        if not drive.files.exists(path):
            continue
        if drive.files.stat(path).is_folder:
            waiting.extend(_entries(drive, path))
        else:
            found[path.removeprefix(f"{drive.path}/")] = drive.files.read_file(path)
    return found


def _entries(drive: AtRest, folder: str) -> list[str]:
    if not drive.files.exists(folder):
        return []
    return [f"{folder}/{name}" for name in drive.files.list_folder(folder)]


def _is_segment(path: str) -> bool:
    return parse_segment_name(path.rpartition("/")[2]) is not None
