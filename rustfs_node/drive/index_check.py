"""Looking through a whole index before it is trusted.

Every row carries a check, which tells a wrong row from a right one when it is read, and nothing of a row that
is not found: a bit that turned in a key, in a page's list of cells or in a pointer between pages hides rows
without a trace, and what an index lacks is taken for absent. All of these show when the index is read from
end to end: rows that are whole, in strict order, and as many as the state says are all rows there are. The
references to shard files are what rows say, told again: both ways round they must come to the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xxhash

from rustfs_node.drive.index import Index
from rustfs_node.drive.index_row import IndexDamaged, Row, verified
from rustfs_proto.disk.record import split_ids


def check_whole(index: Index) -> None:
    """Raises IndexDamaged, or what SQLite raises, unless the index holds just what it should. Blocks, for
    some microseconds a row.
    """
    problem = index.structure()
    if problem:
        raise IndexDamaged(f"SQLite says of the index: {problem}")
    rows = references = 0
    before: tuple[int, str, bytes, bytes, int] | None = None
    for row in map(verified, index.every_row()):
        place = (row.space, row.bucket, row.key, row.sub, -row.stamp)
        if before is not None and place <= before:
            raise IndexDamaged(f"rows of the index are out of order: {place[:4]} after {before[:4]}")
        before = place
        rows += 1
        for data_id in split_ids(row.files):
            references ^= _mark(data_id, row)
    if rows != index.rows:
        raise IndexDamaged(f"{rows} rows in an index of {index.rows}")
    for data_id, *key in index.every_reference():
        references ^= _mark(data_id, key)
    if references:
        raise IndexDamaged("references to shard files are not those of the rows")


def _mark(data_id: bytes, row: Row | Sequence[Any]) -> int:
    """A number for one reference; those of a set joined by XOR tell it from any other, but for chance."""
    return xxhash.xxh3_128_intdigest(repr((data_id, *row[:5])).encode())
