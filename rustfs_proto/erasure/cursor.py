"""One drive's place in a merge of what several drives give page by page, in one order.

What the rows are, and how a place behind one of them is named, is the merge's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

import attrs

Row = TypeVar("Row")
Place = TypeVar("Place")


@attrs.define
class PageCursor(Generic[Row, Place]):
    """Rows not yet taken, and the place behind which the next page begins."""

    resume: Place
    rows: Sequence[Row] = ()
    taken: int = 0
    more: bool = True

    def behind(self, row: Row) -> Place:
        """The place behind that row."""
        raise NotImplementedError

    def feed(self, rows: Sequence[Row], *, more: bool) -> None:
        """The next page arrived; the one before is used up."""
        assert self.is_empty
        self.rows, self.taken, self.more = rows, 0, more
        if rows:
            self.resume = self.behind(rows[-1])

    @property
    def is_empty(self) -> bool:
        return self.taken >= len(self.rows)

    @property
    def wants_page(self) -> bool:
        """Nothing is known of what follows: the merge has to wait for a page."""
        return self.more and self.is_empty
