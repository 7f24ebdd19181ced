"""The end of a set worker that is told to stop: it asks to be chosen no more, and finishes what was begun.

Acceptors of other nodes have their conditional writes, and streamed writes, under way here. Nothing is lost
without this, but a client that is told 503 for a conditional write finds its own version in the way when it
asks again.
"""

from __future__ import annotations

import structlog
import trio

from rustfs_node.bus import Bus
from rustfs_node.erasureset.state import SetState

log = structlog.get_logger()

_PAUSE_S = 0.05
_CALM_LOOKS = 3
"""Looks at which nothing was under way: a call may be on its way from one who has not heard yet."""


async def finish(bus: Bus, state: SetState) -> None:
    """Return when nothing is under way any more, or after `set.leave_max_s`."""
    bus.leave()
    with trio.move_on_after(state.settings.leave_max_s) as patience:
        calm = 0
        while calm < _CALM_LOOKS:
            await trio.sleep(_PAUSE_S)
            calm = 0 if bus.unanswered or state.handles.open else calm + 1
    if patience.cancelled_caught:
        log.warning("left_unfinished", calls=bus.unanswered, streamed_writes=state.handles.open)
