"""What can happen to a drive while nobody looks: emptied, bits flipped, its index lost.

Each corruptor changes the files of a drive as a failing disk, an operator or an accident would, through the
file system, whether the node runs or not. They know only where the kinds of files lie, and find what to
damage by its content.
"""

from __future__ import annotations

import mmap
import shutil
from collections.abc import Iterator
from pathlib import Path

import attrs

from rustfs_proto.disk.layout import INDEX_COMPANIONS, INDEX_FILE, LOG_FOLDER, SHARD_FOLDER


@attrs.frozen
class Place:
    """Some bytes in a file of a drive."""

    path: Path
    offset: int


def empty_drive(drive: Path) -> None:
    """The drive is replaced by an empty one: the folder stays, all in it is gone."""
    for entry in drive.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def drop_index(drive: Path) -> None:
    """The index is deleted, with what SQLite keeps beside it."""
    (drive / INDEX_FILE).unlink()
    for suffix in INDEX_COMPANIONS:
        (drive / (INDEX_FILE + suffix)).unlink(missing_ok=True)


def damage_index(drive: Path) -> None:
    """A byte of every page of the index is flipped, the first page's among them."""
    path = drive / INDEX_FILE
    for offset in range(20, path.stat().st_size, 4096):
        flip_byte(Place(path, offset))


def places_of(folder: Path, needle: bytes) -> Iterator[Place]:
    """Wherever those bytes stand in any file below `folder`."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            found = content.find(needle)
            while found >= 0:
                yield Place(path, found)
                found = content.find(needle, found + 1)


def flip_byte(place: Place, distance: int = 0) -> None:
    """One bit turns, `distance` bytes after the place."""
    with place.path.open("r+b") as file:
        file.seek(place.offset + distance)
        byte = file.read(1)[0]
        file.seek(place.offset + distance)
        file.write(bytes([byte ^ 0x10]))


def damage_records(drive: Path, needle: bytes) -> int:
    """A bit turns in every log record that holds those bytes; how many places that were."""
    places = list(places_of(drive / LOG_FOLDER, needle))
    for place in places:
        flip_byte(place, len(needle) // 2)
    return len(places)


def damage_shard_files(drive: Path) -> int:
    """A bit turns in the middle of every shard file; how many files that were."""
    files = [path for path in (drive / SHARD_FOLDER).rglob("*") if path.is_file()]
    for path in files:
        flip_byte(Place(path, path.stat().st_size // 2))
    return len(files)


def cut_shard_files(drive: Path) -> int:
    """Every shard file loses its second half; how many files that were."""
    files = [path for path in (drive / SHARD_FOLDER).rglob("*") if path.is_file()]
    for path in files:
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)
    return len(files)
