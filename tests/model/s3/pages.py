"""How every listing is cut into rows and pages.

Rows come in the order of the keys' UTF-8 bytes. With a delimiter, all that follow a prefix up to it are one
row, a common prefix. A page begins behind its marker, and a marker that is itself a common prefix, as a page
may end with, stands for all that begins with it.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from tests.model.answers import Row, tree
from tests.model.s3.state import Position


@attrs.frozen
class Entry:
    """Something to list: `place` orders those of one key."""

    key: str
    row: Row
    place: int = 0

    @property
    def order(self) -> tuple[bytes, int]:
        return self.key.encode(), self.place


@attrs.frozen
class Start:
    """Behind `position`; of its key itself, behind those up to `place` (None: behind all of them)."""

    position: Position | None = None
    place: int | None = None

    def comes_before(self, entry: Entry) -> bool:
        if self.position is None:
            return True
        behind, key = self.position.key.encode(), entry.key.encode()
        if self.position.is_prefix and key.startswith(behind):
            return False
        return key > behind or (key == behind and self.place is not None and entry.place > self.place)


@attrs.frozen
class Page:
    """`last` is the last row's position, None where nothing follows; `entry` is that row unless a prefix."""

    rows: list[Row]
    last: Position | None
    entry: Entry | None


def behind_marker(marker: str, prefix: str, delimiter: str) -> Position | None:
    """The position of a marker that a client gives as text."""
    if not marker:
        return None
    return Position(marker, bool(delimiter) and common_prefix(marker, prefix, delimiter) == marker)


def common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    """What the key is rolled up into; None where it is a row of its own."""
    end = key.find(delimiter, len(prefix)) if delimiter and key.startswith(prefix) else -1
    return None if end < 0 else key[: end + len(delimiter)]


def page_of(entries: Iterable[Entry], prefix: str, delimiter: str, start: Start, limit: int) -> Page:
    """The page that begins at `start`. A page of none ends the listing."""
    listed = [
        one
        for one in sorted(entries, key=lambda one: one.order)
        if one.key.startswith(prefix) and start.comes_before(one)
    ]
    rows: dict[object, Entry | str] = {}
    for one in listed:
        rolled = common_prefix(one.key, prefix, delimiter)
        rows[one.order if rolled is None else rolled] = one if rolled is None else rolled
    shown = list(rows.values())[:limit]
    entries_shown = [row.row for row in shown if isinstance(row, Entry)]
    prefixes = [("CommonPrefixes", tree(Prefix=row)) for row in shown if isinstance(row, str)]
    if not shown or len(shown) == len(rows):
        return Page([*entries_shown, *prefixes], None, None)
    last = shown[-1]
    if isinstance(last, str):
        return Page([*entries_shown, *prefixes], Position(last, is_prefix=True), None)
    return Page([*entries_shown, *prefixes], Position(last.key), last)
