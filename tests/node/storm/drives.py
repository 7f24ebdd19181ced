"""What lies on the drives when nobody writes: files that nothing names, and versions that something replaced.

Read from the folders and, read-only, from the index beside the worker that has it open.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import attrs

from rustfs_proto.disk.layout import INDEX_FILE, LOG_FOLDER, QUARANTINE_FOLDER, SHARD_FOLDER, UNFINISHED
from rustfs_proto.erasure.multipart import UPLOAD_ID_BYTES
from rustfs_proto.wire.drive_ops import RowKind, Space


@attrs.frozen
class Row:
    """One version on one drive."""

    space: int
    bucket: str
    key: str
    sub: bytes
    stamp: int
    is_value: bool
    missing: bytes


@attrs.frozen
class Drive:
    """A drive's folder."""

    path: Path

    def files(self) -> set[str]:
        """Names of all shard files, unfinished ones among them."""
        return {path.name for path in (self.path / SHARD_FOLDER).glob("*/*")}

    def named(self) -> set[str]:
        """Names of the shard files that some row refers to."""
        with self._index() as index:
            return {data_id.hex() for (data_id,) in index.execute("SELECT DISTINCT data_id FROM files")}

    def missing(self) -> set[str]:
        """Shard files that a row refers to and that are neither here nor known not to be."""
        with self._index() as index:
            found = index.execute("SELECT files, missing FROM rows WHERE files <> x''").fetchall()
        names = {name for files, missing in found for name in _split(files) - _split(missing)}
        return names - self.files()

    def orphans(self) -> set[str]:
        """Shard files that no row refers to: they are to go in the sweep."""
        return self.files() - self.named()

    def strangers(self) -> set[str]:
        """What has no business on a drive: temporary files, and anything in quarantine."""
        known = {INDEX_FILE, "rustfs.json", "layout.json", LOG_FOLDER, SHARD_FOLDER, QUARANTINE_FOLDER}
        found = {path.name for path in self.path.iterdir() if not path.name.startswith(INDEX_FILE)} - known
        found |= {path.name for path in (self.path / SHARD_FOLDER).iterdir() if len(path.name) != 2}
        found |= {path.name for path in (self.path / LOG_FOLDER).iterdir() if path.suffix != ".log"}
        quarantine = self.path / QUARANTINE_FOLDER
        return found | ({path.name for path in quarantine.iterdir()} if quarantine.exists() else set())

    def unfinished(self) -> set[str]:
        """Shard files that were never finished."""
        return {name for name in self.files() if name.endswith(UNFINISHED)}

    def rows(self) -> list[Row]:
        """Every version that the drive holds."""
        columns = "space, bucket, key, sub, stamp, kind, missing"
        with self._index() as index:
            found = index.execute(f"SELECT {columns} FROM rows ORDER BY stamp").fetchall()  # noqa: S608
        return [
            Row(space, bucket, key.decode(), sub, stamp, kind == RowKind.VALUE, missing)
            for space, bucket, key, sub, stamp, kind, missing in found
        ]

    def versions(self, bucket: str) -> dict[str, list[int]]:
        """The stamps of every key of a bucket, the newest last."""
        found: dict[str, list[int]] = {}
        for row in self.rows():
            if row.space == Space.OBJECT and row.bucket == bucket:
                found.setdefault(row.key, []).append(row.stamp)
        return found

    def values(self, space: Space) -> list[Row]:
        """The versions in a space that are no tombstones."""
        return [row for row in self.rows() if row.space == space and row.is_value]

    def open_uploads(self) -> set[bytes]:
        """Ids of the uploads that have not ended here, or have parts here."""
        newest = {(row.space, row.key, row.sub): row for row in self.rows()}
        rows = [row for row in newest.values() if row.space in {Space.UPLOAD, Space.PART} and row.is_value]
        return {row.sub[:UPLOAD_ID_BYTES] for row in rows}

    @contextlib.contextmanager
    def _index(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(f"file:{self.path / INDEX_FILE}?mode=ro", uri=True, timeout=30)
        try:
            yield connection
        finally:
            connection.close()


def _split(ids: bytes) -> set[str]:
    return {ids[first : first + 16].hex() for first in range(0, len(ids), 16)}
