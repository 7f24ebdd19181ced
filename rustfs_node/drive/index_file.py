"""Opening, folding and dropping the file behind the index.

An index at ":memory:" is empty at every start, so it is rebuilt from the log each time: for tests and
simulations.
"""

from __future__ import annotations

import sqlite3

import attrs

from rustfs_node.drive import index_sql as sql
from rustfs_node.drive.index import FIRST_STATE, SCHEMA_VERSION, Index
from rustfs_node.drive.index_check import check_whole
from rustfs_node.drive.index_row import IndexDamaged
from rustfs_node.seams.files import Files
from rustfs_proto.disk.layout import INDEX_COMPANIONS, INDEX_FILE

IN_MEMORY = ":memory:"
INDEX_ERRORS = (IndexDamaged, sqlite3.Error, UnicodeDecodeError)
"""What using an index can raise: in each case it is dropped and rebuilt. SQLite quotes a damaged schema in
its errors, and where that is no UTF-8 Python has no other error to tell them by.
"""

_BUSY_S = 30.0


@attrs.frozen
class IndexFile:
    """Where the index lies and how much memory it may take."""

    path: str
    drive_id: bytes
    cache_bytes: int
    wal_bytes: int
    check_rows: int

    def open(self, files: Files) -> Index:
        """The index as it was left, or a new empty one; raises one of INDEX_ERRORS where it cannot be
        used.
        """
        is_new = self.path == IN_MEMORY or not files.exists(self.path)
        connection = self._connect()
        try:
            if is_new:
                self._create(connection)
            index = Index(connection, self.drive_id)
            if index.rows <= self.check_rows:
                check_whole(index)
            return index
        except INDEX_ERRORS:
            connection.close()
            raise

    def fold(self, files: Files) -> None:
        """Write what the write-ahead file holds into the index, once it is large. Blocks; nobody may write
        meanwhile.
        """
        wal = self.path + "-wal"
        if self.path == IN_MEMORY or not files.exists(wal) or files.stat(wal).size_bytes < self.wal_bytes:
            return
        self.fold_now()

    def fold_now(self) -> None:
        """After this line the index on disk is as new as the one in use, whatever happens to the power."""
        if self.path == IN_MEMORY:
            return
        connection = self._connect()
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()

    def drop(self, files: Files) -> None:
        """Remove the index, so that the next `open` makes an empty one."""
        if self.path == IN_MEMORY:
            return
        for path in (self.path, *(self.path + suffix for suffix in INDEX_COMPANIONS)):
            if files.exists(path):
                files.remove(path)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        try:
            for pragma in (
                "journal_mode = WAL",
                # Losing the last transactions in a power cut is fine: the log has them. Losing their order is
                # not.
                "synchronous = NORMAL",
                # Folding is done between batches by `fold`, never in the middle of one.
                "wal_autocheckpoint = 0",
                f"cache_size = -{self.cache_bytes // 1024}",
                "temp_store = MEMORY",
            ):
                connection.execute(f"PRAGMA {pragma}").fetchall()
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.executescript(f"BEGIN; {sql.SCHEMA}")
        connection.execute(sql.FIRST_STATE, (SCHEMA_VERSION, self.drive_id, *FIRST_STATE))
        connection.execute("COMMIT")


def index_path(drive_path: str, index_dir: str, drive_id: str) -> str:
    """On the drive itself, or under the drive's id in the folder that the operator gave."""
    return f"{index_dir}/{drive_id}.sqlite" if index_dir else f"{drive_path}/{INDEX_FILE}"
