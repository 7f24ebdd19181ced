"""Any file of a drive: a bit of it, its length, its name, itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from tests.kit.at_rest import Drive, at_rest

BIT = 0x10
"""The bit that turns: neither the lowest nor the highest."""


def flip_bit(drive: Drive, path: str, offset: int, bit: int = BIT) -> None:
    """One bit at that offset of a file is wrong."""
    file = at_rest(drive).files.open(path)
    (byte,) = file.read_at(offset, 1)
    file.write_at(offset, [bytes([byte ^ bit])])
    file.sync()
    file.close()


def cut_file(drive: Drive, path: str, size_bytes: int) -> None:
    """The file is shorter than it was."""
    file = at_rest(drive).files.open(path)
    file.truncate(size_bytes)
    file.sync()
    file.close()


def lose_file(drive: Drive, path: str) -> None:
    """The file is gone."""
    at_rest(drive).files.remove(path)


def swap_files(drive: Drive, one: str, other: str) -> None:
    """Two files stand under each other's name."""
    files = at_rest(drive).files
    files.rename(one, one + ".swap")
    files.rename(other, one)
    files.rename(one + ".swap", other)


def flip_all(drive: Drive, places: Iterable[tuple[str, int]]) -> int:
    """A bit turns at each of the places, all of which are found before the first is damaged."""
    found = list(places)
    for path, offset in found:
        flip_bit(drive, path, offset)
    return len(found)


def each(drive: Drive, paths: Sequence[str], damage: Callable[[Drive, str], None]) -> int:
    """The same happens to each of the files."""
    for path in paths:
        damage(drive, path)
    return len(paths)


def finds(content: bytes, needle: bytes) -> Iterator[int]:
    """Wherever those bytes stand."""
    at = content.find(needle)
    while at >= 0:
        yield at
        at = content.find(needle, at + 1)
