"""How far a walk over rows has come that has several of them under way: behind which row it may be taken up
again without missing any.
"""

from __future__ import annotations

import attrs

from rustfs_proto.wire.drive_ops import RowName


@attrs.define
class Progress:
    """`last` is the row that was met last, or behind which the walk began. What is under way, or was not
    done, is met again, and all that is behind it.
    """

    last: RowName
    _met: int = 0
    _open: dict[RowName, tuple[int, RowName]] = attrs.field(factory=dict)
    _left: tuple[int, RowName] | None = None

    def passed(self, name: RowName) -> None:
        """A row at which nothing is to be done."""
        self.last = name

    def met(self, name: RowName) -> None:
        """A row that is under way from now on."""
        self._met += 1
        self._open[name] = (self._met, self.last)
        self.last = name

    def ended(self, name: RowName, *, is_done: bool) -> None:
        """It is no longer under way. Of all that are not done only the first is remembered."""
        before = self._open.pop(name)
        if not is_done:
            self._left = before if self._left is None else min(self._left, before)

    @property
    def place(self) -> RowName:
        """Behind this row."""
        first = next(iter(self._open.values()), None)
        found = [before for before in (first, self._left) if before is not None]
        return min(found)[1] if found else self.last
