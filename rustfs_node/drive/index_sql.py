"""The statements of the index: its schema, and what is asked of it.

The primary key is the order of everything: newest version first within a row, rows by sub within a key, keys
in byte order within a bucket. So a lookup is one descent, and a listing is one walk. `files` answers which
rows name a shard file. `garbage` are shard files that lost their last row, `settled` the tombstones that may
go once older segments are gone.
"""
# Only constants of this module are put together here; values always travel as parameters.
# ruff: noqa: S608

from __future__ import annotations

SCHEMA = """
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    schema INTEGER NOT NULL, drive_id BLOB NOT NULL,
    segment INTEGER NOT NULL, offset INTEGER NOT NULL, sequence INTEGER NOT NULL,
    newest_stamp INTEGER NOT NULL, rows INTEGER NOT NULL, heal_notes INTEGER NOT NULL,
    "check" INTEGER NOT NULL);
CREATE TABLE rows (
    space INTEGER NOT NULL, bucket TEXT NOT NULL, key BLOB NOT NULL, sub BLOB NOT NULL,
    stamp INTEGER NOT NULL, kind INTEGER NOT NULL, shard INTEGER NOT NULL,
    segment INTEGER NOT NULL, offset INTEGER NOT NULL,
    prefix_bytes INTEGER NOT NULL, data_bytes INTEGER NOT NULL,
    head BLOB NOT NULL, files BLOB NOT NULL, missing BLOB NOT NULL, "check" INTEGER NOT NULL,
    on_quorum INTEGER NOT NULL,
    PRIMARY KEY (space, bucket, key, sub, stamp DESC)) WITHOUT ROWID;
CREATE TABLE files (
    data_id BLOB NOT NULL,
    space INTEGER NOT NULL, bucket TEXT NOT NULL, key BLOB NOT NULL, sub BLOB NOT NULL,
    stamp INTEGER NOT NULL,
    PRIMARY KEY (data_id, space, bucket, key, sub, stamp)) WITHOUT ROWID;
CREATE TABLE garbage (data_id BLOB PRIMARY KEY, since_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE segments (
    number INTEGER PRIMARY KEY, used_bytes INTEGER NOT NULL, live_bytes INTEGER NOT NULL,
    "check" INTEGER NOT NULL);
CREATE TABLE settled (
    floor INTEGER NOT NULL,
    space INTEGER NOT NULL, bucket TEXT NOT NULL, key BLOB NOT NULL, sub BLOB NOT NULL,
    stamp INTEGER NOT NULL,
    PRIMARY KEY (floor, space, bucket, key, sub, stamp)) WITHOUT ROWID;
"""

_COLUMNS = (
    "space, bucket, key, sub, stamp, kind, shard,"
    ' segment, offset, prefix_bytes, data_bytes, head, files, missing, "check", on_quorum'
)
_ROW_KEY = "space = ?1 AND bucket = ?2 AND key = ?3 AND sub = ?4"
_ORDER = "ORDER BY key, sub, stamp DESC"
_FROM = "space = ? AND bucket = ? AND (key, sub) >= (?, ?)"

EVERY_ROW = f"SELECT {_COLUMNS} FROM rows"
EVERY_REFERENCE = "SELECT data_id, space, bucket, key, sub, stamp FROM files"
RENAMES = f"SELECT {_COLUMNS} FROM rows WHERE space = 4 ORDER BY bucket, key, sub, stamp DESC"
NEWEST = f"SELECT {_COLUMNS} FROM rows WHERE {_ROW_KEY} ORDER BY stamp DESC LIMIT 1"
VERSIONS = f"SELECT {_COLUMNS} FROM rows WHERE {_ROW_KEY} ORDER BY stamp DESC"
VERSION = f"SELECT {_COLUMNS} FROM rows WHERE {_ROW_KEY} AND stamp = ?5"
WALK = f"SELECT {_COLUMNS} FROM rows WHERE {_FROM} {_ORDER}"
WALK_BEFORE = f"SELECT {_COLUMNS} FROM rows WHERE {_FROM} AND key < ? {_ORDER}"
NEXT_VALUE = f"SELECT key, sub FROM rows WHERE {_FROM} AND kind = 1 {_ORDER} LIMIT 1"
NEXT_VALUE_BEFORE = f"SELECT key, sub FROM rows WHERE {_FROM} AND key < ? AND kind = 1 {_ORDER} LIMIT 1"
NEXT_LIVE = f"SELECT key, sub FROM rows WHERE {_FROM} AND kind <> 2 {_ORDER} LIMIT 1"
NEXT_LIVE_BEFORE = f"SELECT key, sub FROM rows WHERE {_FROM} AND key < ? AND kind <> 2 {_ORDER} LIMIT 1"
OF_KEY = (
    f"SELECT {_COLUMNS} FROM rows WHERE space = 0 AND bucket = ? AND key = ? ORDER BY sub, stamp DESC LIMIT ?"
)
_OF_VERSION = "SELECT sub FROM rows AS found WHERE space = 0 AND bucket = ? AND key = ? AND sub > x''"
_IS_NEWEST = (
    "NOT EXISTS (SELECT 1 FROM rows WHERE space = 0 AND bucket = found.bucket AND key = found.key"
    " AND sub = found.sub AND stamp > found.stamp)"
)
NEXT_VERSION = f"{_OF_VERSION} AND kind <> 2 ORDER BY sub LIMIT 1"
NEXT_LIVE_VERSION = f"{_OF_VERSION} AND kind <> 2 AND {_IS_NEWEST} ORDER BY sub LIMIT 1"
NEWEST_VERSION = (
    "SELECT sub FROM rows WHERE space = 0 AND bucket = ? AND key = ? AND sub > x'' ORDER BY sub LIMIT 1"
)
ROWS_AFTER = (
    "SELECT space, bucket, key, sub FROM rows WHERE (space, bucket, key, sub) > (?, ?, ?, ?)"
    " ORDER BY space, bucket, key, sub LIMIT ?"
)
ROWS_BEHIND = (
    f"SELECT {_COLUMNS} FROM rows WHERE (space, bucket, key, sub) > (?, ?, ?, ?)"
    " ORDER BY space, bucket, key, sub, stamp DESC LIMIT ?"
)
LIVE_BEHIND = ROWS_BEHIND.replace(" ORDER BY", " AND kind <> 2 ORDER BY")
USAGE_BEHIND = (
    "SELECT bucket, key, sub, stamp, kind, head FROM rows"
    " WHERE space = 0 AND (bucket, key, sub) > (?, ?, ?) ORDER BY bucket, key, sub, stamp DESC LIMIT ?"
)
SUBS_FROM = f"SELECT {_COLUMNS} FROM rows WHERE space = ? AND bucket = ? AND key = ? AND sub >= ? {_ORDER}"
INSERT = f"INSERT INTO rows ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
DELETE = f"DELETE FROM rows WHERE {_ROW_KEY} AND stamp = ?5"
DELETE_OLDER = (
    f"DELETE FROM rows WHERE {_ROW_KEY} AND stamp < ?5 AND EXISTS"
    f" (SELECT 1 FROM rows WHERE {_ROW_KEY} AND stamp = ?5) RETURNING {_COLUMNS}"
)
"""What settling a version drops, in one descent and without reading the version itself."""

MARK = f"UPDATE rows SET on_quorum = ?6 WHERE {_ROW_KEY} AND stamp = ?5"
"""The check of a row does not cover the mark, so that setting it need not read the row."""

REFER = "INSERT OR IGNORE INTO files VALUES (?, ?, ?, ?, ?, ?)"
UNREFER = f"DELETE FROM files WHERE {_ROW_KEY} AND stamp = ?5 AND data_id = ?6"

FORGET_SETTLED = f"DELETE FROM settled WHERE {_ROW_KEY} AND stamp = ?5 AND floor = ?6"

STATE = (
    'SELECT schema, drive_id, segment, offset, sequence, newest_stamp, rows, heal_notes, "check" FROM state'
)
FIRST_STATE = "INSERT INTO state VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
UPDATE_STATE = (
    "UPDATE state SET segment = ?, offset = ?, sequence = ?, newest_stamp = ?, rows = ?, heal_notes = ?,"
    ' "check" = ?'
)
