"""What happens to a drive of a set, one kind at a time, and what a set loses of it when one drive too many is
hit.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import attrs

from rustfs_proto.disk.layout import LOG_FOLDER
from tests.geometries import contents
from tests.geometries.rig import Filled, Geometry, format_drive
from tests.kit import corrupt
from tests.kit.at_rest import all_records, index_path, shard_files

ALL = frozenset(contents.STORED)
IN_FILES = frozenset({*contents.IN_FILES, b"parts"})
INLINE = frozenset({b"one", b"inline/b", b"replaced/by-small"})
"""Inline in every geometry, and not empty."""


@attrs.frozen
class Case:
    """One drive to be hit: where it is, and what a kind of damage may need to know."""

    path: Path
    slot: int
    geometry: Geometry
    filled: Filled
    chance: Random


@attrs.frozen
class Damage:
    """`hit` changes the drive's folder while it is at rest, or with `is_hot` while it is being served.

    `takes_away`: the drive does not serve afterwards, so writes do without it. `lost` are keys that cannot be
    read any more once m + 1 drives are hit; of others nothing is said, but that they are right or refused.
    """

    hit: Callable[[Case], object]
    lost: frozenset[bytes] = frozenset()
    takes_away: bool = False
    is_hot: bool = False
    keeps_id: bool = False


def empty(case: Case) -> None:
    """Replaced by an empty drive, formatted into the set."""
    corrupt.empty_drive(case.path)
    format_drive(case.path, case.geometry, case.slot, healing=True)


def lose_folder(case: Case) -> None:
    """The log is gone with its folder."""
    corrupt.lose_log(case.path)
    (case.path / LOG_FOLDER).rmdir()


def one_bit_of_the_log(case: Case) -> None:
    """Anywhere in what was ever written to the log."""
    path, found = case.chance.choice(list(all_records(case.path)))
    corrupt.flip_bit(
        case.path, path, case.chance.randrange(found.offset, found.end), 1 << case.chance.randrange(8)
    )


def one_bit_of_a_shard_file(case: Case) -> None:
    """Anywhere in one shard file, padding included."""
    path = case.chance.choice(shard_files(case.path))
    corrupt.flip_bit(
        case.path, path, case.chance.randrange(Path(path).stat().st_size), 1 << case.chance.randrange(8)
    )


def bits_of_the_index(case: Case) -> None:
    """A handful, anywhere in it."""
    size = Path(index_path(case.path)).stat().st_size
    for _ in range(5):
        corrupt.flip_index(case.path, case.chance.randrange(size), 1 << case.chance.randrange(8))


def header_of_the_index(case: Case) -> None:
    """One of the fields of SQLite's header that mean something."""
    corrupt.flip_index(
        case.path, case.chance.choice([0, 16, 18, 19, 20, 21, 28, 31, 44, 47, 56, 59, 100, 103])
    )


def stale(parts: tuple[str, ...]) -> Callable[[Case], object]:
    """Those parts of the drive are as they were in the middle of the history."""

    def hit(case: Case) -> int:
        keepsake = case.filled.early[case.slot]
        content = {
            path: data
            for path, data in keepsake.content.items()
            if path.split("/")[0] in parts or path in parts
        }
        return corrupt.put_back(case.path, corrupt.Keepsake(parts, content))

    return hit


def on_path(damage: Callable[[Path], object]) -> Callable[[Case], object]:
    return lambda case: damage(case.path)


def nothing(case: Case) -> None:
    """Its bytes stay; it is stopped, or answers no more."""


DAMAGES: dict[str, Damage] = {
    "stopped": Damage(nothing, ALL, takes_away=True),
    "emptied": Damage(empty, ALL),
    "identity-wrong": Damage(on_path(corrupt.wrong_identity), ALL, takes_away=True, keeps_id=True),
    "identity-damaged": Damage(on_path(corrupt.damage_identity), ALL, takes_away=True, keeps_id=True),
    "log-headers": Damage(on_path(corrupt.damage_record_headers), ALL),
    "log-bodies": Damage(on_path(corrupt.damage_record_bodies), ALL),
    "log-bodies-hot": Damage(on_path(corrupt.damage_record_bodies), ALL, is_hot=True),
    "log-data": Damage(on_path(corrupt.damage_record_data), INLINE),
    "log-data-hot": Damage(on_path(corrupt.damage_record_data), INLINE, is_hot=True),
    "log-segments": Damage(on_path(corrupt.damage_segment_headers)),
    "log-last": Damage(on_path(corrupt.damage_last_record)),
    "log-one-bit": Damage(one_bit_of_the_log),
    "log-cut": Damage(on_path(corrupt.cut_log)),
    "log-lost": Damage(on_path(corrupt.lose_log), ALL),
    "log-folder-lost": Damage(lose_folder, ALL),
    "log-stale": Damage(stale(corrupt.LOG)),
    "shard-headers": Damage(on_path(corrupt.damage_shard_headers), IN_FILES),
    "shard-data": Damage(on_path(corrupt.damage_shard_files), IN_FILES),
    "shard-data-hot": Damage(on_path(corrupt.damage_shard_files), IN_FILES, is_hot=True),
    "shard-tails": Damage(on_path(corrupt.damage_shard_tails), IN_FILES),
    "shard-one-bit": Damage(one_bit_of_a_shard_file),
    "shard-cut": Damage(on_path(corrupt.cut_shard_files), IN_FILES),
    "shard-lost": Damage(on_path(corrupt.lose_shard_files), IN_FILES),
    "shard-lost-hot": Damage(on_path(corrupt.lose_shard_files), IN_FILES, is_hot=True),
    "shard-swapped": Damage(on_path(corrupt.swap_shard_files)),
    "index-lost": Damage(on_path(corrupt.drop_index)),
    "index-pages": Damage(on_path(corrupt.damage_index)),
    "index-cells": Damage(on_path(corrupt.damage_index_cells)),
    "index-header": Damage(header_of_the_index),
    "index-bits": Damage(bits_of_the_index),
    "index-cut": Damage(on_path(corrupt.cut_index)),
    "index-stale": Damage(stale(corrupt.INDEX)),
}
