"""Damage to shard files: to one, or to all of them."""

from __future__ import annotations

from collections.abc import Iterator

from rustfs_proto.disk.layout import shard_path
from rustfs_proto.disk.shard_file import BLOCK_BYTES, FRAME_HEADER_BYTES, frame_offset, frame_span
from tests.kit.at_rest import Drive, at_rest, shard_files, shard_identity
from tests.kit.corrupt.places import cut_file, each, flip_all, flip_bit, lose_file, swap_files

DATA_ID_AT = 56
"""Where in a shard file's header its data id stands."""


def flip_shard_header(drive: Drive, path: str) -> None:
    """A bit of the data id in a shard file's header."""
    flip_bit(drive, path, DATA_ID_AT)


def flip_shard_data(drive: Drive, path: str) -> None:
    """A bit of a shard file's first fragment."""
    flip_bit(drive, path, BLOCK_BYTES + FRAME_HEADER_BYTES)


def flip_shard_tail(drive: Drive, path: str) -> None:
    """A bit of the last byte of a shard file that is not zero: of its last fragment."""
    flip_bit(drive, path, len(at_rest(drive).files.read_file(path).rstrip(b"\0")) - 1)


def flip_fragment(drive: Drive, data_id: bytes, offset: int = BLOCK_BYTES + FRAME_HEADER_BYTES) -> None:
    """A bit of a shard file; without `offset`, of its first fragment."""
    flip_bit(drive, f"{at_rest(drive).path}/{shard_path(data_id)}", offset)


def swap_frames(drive: Drive, data_id: bytes, span: int) -> None:
    """The first two frames of a shard file stand in each other's place."""
    drive = at_rest(drive)
    file = drive.files.open(f"{drive.path}/{shard_path(data_id)}")
    first, second = file.read_at(BLOCK_BYTES, span), file.read_at(BLOCK_BYTES + span, span)
    file.write_at(BLOCK_BYTES, [second, first])
    file.close()


def replace_shard_file(drive: Drive, data_id: bytes, other: bytes) -> None:
    """The file of one data id stands under the name of another, too."""
    drive = at_rest(drive)
    content = drive.files.read_file(f"{drive.path}/{shard_path(other)}")
    drive.files.write_file(f"{drive.path}/{shard_path(data_id)}", content)


def damage_shard_headers(drive: Drive) -> int:
    """A bit turns in the header of every shard file."""
    return each(drive, shard_files(drive), flip_shard_header)


def damage_shard_files(drive: Drive) -> int:
    """A bit turns in every fragment of every shard file."""
    return flip_all(drive, _fragments(drive))


def damage_shard_tails(drive: Drive) -> int:
    """A bit turns at the end of every shard file."""
    return each(drive, shard_files(drive), flip_shard_tail)


def cut_shard_files(drive: Drive) -> int:
    """Every shard file loses its second half."""
    return each(drive, shard_files(drive), _halve)


def lose_shard_files(drive: Drive) -> int:
    """Every shard file is gone."""
    return each(drive, shard_files(drive), lose_file)


def swap_shard_files(drive: Drive) -> int:
    """The shard files stand under each other's names, two by two."""
    paths = shard_files(drive)
    pairs = list(zip(paths[::2], paths[1::2], strict=False))
    for one, other in pairs:
        swap_files(drive, one, other)
    return 2 * len(pairs)


def _fragments(drive: Drive) -> Iterator[tuple[str, int]]:
    for path in shard_files(drive):
        identity = shard_identity(drive, path)
        if identity is not None:
            frames = range(frame_offset(identity, 0), _size(drive, path), frame_span(identity))
            yield from ((path, frame + FRAME_HEADER_BYTES) for frame in frames)


def _halve(drive: Drive, path: str) -> None:
    cut_file(drive, path, _size(drive, path) // 2)


def _size(drive: Drive, path: str) -> int:
    return at_rest(drive).files.stat(path).size_bytes
