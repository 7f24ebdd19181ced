"""Who is to move slots, of several that can: the one that has written its name into the change.

It writes there every second or so, if only how far it is. Where nobody has for a while it is taken to be
dead, and whoever comes first puts its own name there, by comparing. Should the one before be alive all the
same, it finds another name in the charters, and moves nothing any more: this here is for progress only.
"""

from __future__ import annotations

import attrs

from rustfs_proto.erasure.rebalancing import Change


@attrs.define
class Tenure:
    """The change as one that could move slots sees it. `patience_s`: how long a mover may be silent."""

    patience_s: float
    _stamp: int = 0
    _since_s: float = 0.0

    def may_begin(self, stamp: int, change: Change | None, own: str, now_s: float) -> bool:
        """Whether to begin with, or to go on with, the change that has that stamp; `own` is the name that
        was written last.
        """
        if stamp != self._stamp:
            self._stamp, self._since_s = stamp, now_s
        if change is None or not change.state.is_open:
            return False
        return change.mover in ("", own) or now_s - self._since_s >= self.patience_s


def is_overtaken(kept: Change, found: Change | None) -> bool:
    """Whether the mover that has `kept` is to stop, the change being `found` under another stamp than it was
    written: somebody ordered otherwise, or moves in its place. Else that write is its own.
    """
    if found is None:
        return True
    mine = (kept.change_id, kept.state, kept.mover)
    return mine != (found.change_id, found.state, found.mover)
