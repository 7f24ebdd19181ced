"""Damage to the index, where it lies in a file on the drive: SQLite's, so what is said of pages is SQLite's
file format.

Fold what stands beside the file first, by closing the drive in order: then all of the index is in it.
"""

from __future__ import annotations

import struct

from rustfs_proto.disk.layout import INDEX_COMPANIONS
from tests.kit.at_rest import Drive, at_rest, index_path
from tests.kit.corrupt.places import BIT, cut_file, each, flip_all, flip_bit, lose_file

PAGE_BYTES = 4096
FILE_HEADER_BYTES = 100
"""Before the first page's own header."""

LEAVES = frozenset({0x0A, 0x0D})


def flip_index(drive: Drive, offset: int, bit: int = BIT) -> None:
    """A bit of the index."""
    flip_bit(drive, index_path(drive), offset, bit)


def drop_index(drive: Drive) -> int:
    """The index is deleted, with what SQLite keeps beside it."""
    files, path = at_rest(drive).files, index_path(drive)
    names = [path, *(path + suffix for suffix in INDEX_COMPANIONS)]
    return each(drive, [name for name in names if files.exists(name)], lose_file)


def damage_index(drive: Drive) -> int:
    """A bit turns in every page of the index, in the file's header among them."""
    path = index_path(drive)
    size = at_rest(drive).files.stat(path).size_bytes
    return flip_all(drive, ((path, at) for at in range(20, size, PAGE_BYTES)))


def damage_index_cells(drive: Drive) -> int:
    """A bit turns in the middle of every cell of every leaf: in what rows say, not in how they are found."""
    path = index_path(drive)
    content = at_rest(drive).files.read_file(path)
    return flip_all(drive, ((path, (start + end) // 2) for start, end in leaf_cells(content)))


def leaf_cells(content: bytes) -> list[tuple[int, int]]:
    """Where the cells of all leaves of an index begin and end."""
    found: list[tuple[int, int]] = []
    for page in range(0, len(content), PAGE_BYTES):
        header = page + (0 if page else FILE_HEADER_BYTES)
        if content[header] in LEAVES:
            (count,) = struct.unpack_from(">H", content, header + 3)
            starts = sorted(page + at for at in struct.unpack_from(f">{count}H", content, header + 8))
            found.extend(zip(starts, [*starts[1:], page + PAGE_BYTES], strict=False))
    return found


def cut_index(drive: Drive) -> int:
    """The index loses its second half."""
    path = index_path(drive)
    cut_file(drive, path, at_rest(drive).files.stat(path).size_bytes // 2)
    return 1
