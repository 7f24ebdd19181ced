"""Whether what listings showed can be right.

The promise is weaker than linearizability, because a listing decides page by page and asks no quorum to agree
on writes under way: it shows every key whose write was acknowledged before it began, no key whose delete was,
and never a version that was replaced before it began. What overlaps it, or is unknown, may show or not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tests.kit.sim.history import ABSENT, History, Kind, Op, Outcome, Page

_WRITING = frozenset({Kind.WRITE, Kind.CREATE, Kind.REPLACE})


def wrong_listings(history: History) -> Iterator[str]:
    """A sentence for each entry that cannot be."""
    by_key = history.by_key()
    for page in history.pages:
        for key in page.found:
            if not page.covers(key):
                yield f"{page.client} was shown {key} at {page.called_s:.4f}, outside of what it asked for"
        for key, ops in by_key.items():
            if page.covers(key):
                shown = page.found.get(key, ABSENT)
                if shown not in possible_values(ops, page):
                    yield (
                        f"{page.client} listed {key} as {shown[:6] or 'absent'} in"
                        f" [{page.called_s:.4f}..{page.ended_s:.4f}]"
                    )
        for key in page.found.keys() - by_key.keys():
            yield f"{page.client} was shown {key}, which nobody ever wrote"


def possible_values(ops: Sequence[Op], page: Page) -> set[str]:
    """What a key may have been shown as."""
    writes = [op for op in ops if op.kind in _WRITING and op.called_s <= page.ended_s]
    ended = [op for op in writes if op.outcome is Outcome.OK and op.ended_s < page.called_s]
    # Whatever was answered before the last acknowledged write was called is gone.
    newest_call_s = max((op.called_s for op in ended), default=-math.inf)
    possible = {op.value for op in writes if op.ended_s >= newest_call_s}
    if not ended:
        possible.add(ABSENT)
    return possible
