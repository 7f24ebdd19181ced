"""What a new version does to the others of its row, and what settling does: the same rules live, in replay
and in copies.

A row's versions are kept side by side, newest first. The newest is what the drive has; the others are priors,
kept until the newest is known to be on a write quorum (`settle`), because until then it may turn out never to
have been acknowledged. Two exceptions: heal notes replace each other at once, and the tombstone of an upload
takes the rows of its parts with it.
"""

from __future__ import annotations

from rustfs_node.drive.index import Index
from rustfs_node.drive.index_row import Row
from rustfs_proto.disk.record import split_ids
from rustfs_proto.wire.drive_ops import RowKind, SettledRow, Space


def needs_care(row: Row) -> bool:
    """Whether a version that is newer than all others of its row changes more than its own place in the
    index.
    """
    return row.space == Space.HEAL or (row.space == Space.UPLOAD and row.kind == RowKind.TOMBSTONE)


def add(index: Index, row: Row, segment: int, now_ms: int) -> None:
    """Bring a version into the index, whatever is there: first time, replayed, or copied to another place.

    `segment` is the one being written: what is settled by this version waits for it to go.
    """
    known = index.version(row.row_key, row.stamp)
    if known is not None:
        # A second record of one version names the same files, or is not ours: then the first one stays.
        if known.files == row.files:
            index.replace(known, row._replace(missing=known.missing))
        return
    if row.space == Space.HEAL and not _replace_notes(index, row, now_ms):
        return
    index.put([row])
    if row.kind == RowKind.TOMBSTONE:
        if row.space == Space.UPLOAD:
            for part in index.parts_of(row.bucket, row.key, row.sub, Space.PART):
                index.drop(part, now_ms)
        if row.space == Space.HEAL:
            # A note is this drive's own: no other drive has to agree that it is done.
            index.add_settled(row, segment)


def rewrite(index: Index, row: Row) -> None:
    """A version whose record was damaged stands in the log again; its commit knew which files are here."""
    known = index.version(row.row_key, row.stamp)
    assert known is not None, row.row_key
    index.replace(known, row)


def _replace_notes(index: Index, row: Row, now_ms: int) -> bool:
    """Drop older notes of the key; False where a newer one is there already."""
    for known in index.versions(row.row_key):
        if known.stamp > row.stamp:
            return False
        index.drop(known, now_ms)
    return True


def drop_file(index: Index, data_id: bytes, now_ms: int) -> None:
    """The commit that named the shard file was refused: unless another row names it, it may go."""
    if not index.refers(data_id):
        index.add_garbage(data_id, now_ms)


def lose_file(index: Index, data_id: bytes) -> None:
    """A shard file is not here: the versions that name it say so from now on."""
    for row in index.referring(data_id):
        missing = split_ids(row.missing)
        if data_id not in missing:
            index.replace(row, row._replace(missing=b"".join(sorted((*missing, data_id)))))


def find_file(index: Index, data_id: bytes) -> None:
    """A shard file is here: no version says otherwise from now on."""
    for row in index.referring(data_id):
        missing = split_ids(row.missing)
        if data_id in missing:
            index.replace(row, row._replace(missing=b"".join(one for one in missing if one != data_id)))


def settle(index: Index, settled: SettledRow, segment: int, now_ms: int) -> None:
    """Drop what that version replaced. Does nothing where this drive does not hold the version itself."""
    row_key = (settled.space, settled.bucket, settled.key, settled.sub)
    index.drop_older(row_key, settled.stamp, now_ms)
    if settled.marks:
        index.mark_on_quorum(row_key, settled.stamp)
    own = index.version(row_key, settled.stamp) if settled.complete else None
    if own is not None and own.kind == RowKind.TOMBSTONE:
        # Copies of what was dropped just now stand in segments up to this one and, as only live versions are
        # copied, in no later one. Once all of those are gone nothing can come back in a rebuild.
        index.add_settled(own, segment)
